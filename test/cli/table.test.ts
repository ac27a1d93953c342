import { describe, expect, it } from 'vitest';
import { formatTable } from '../../src/cli/table.js';

describe('formatTable', () => {
  it('aligns words to the left, numbers and numbers with units to the right', () => {
    const rows = [
      ['init_path', 14160, '41.2 kB'],
      ['all', 2434771, '256.2 kB'],
      ['none', undefined, '0 B'],
    ];
    expect(formatTable(['block', 'parameters', 'size'], rows)).toBe(
      [
        'block      parameters      size',
        '---------  ----------  --------',
        'init_path      14,160   41.2 kB',
        'all         2,434,771  256.2 kB',
        'none                –       0 B',
      ].join('\n'),
    );
  });

  it('shows what a terminal would obey as spaces', () => {
    expect(
      formatTable(['reason'], [['a\x1b[2K\r\nb']])
        .split('\n')
        .slice(2),
    ).toEqual(['a [2K  b']);
  });

  it('cuts words, never numbers, to the width', () => {
    const table = formatTable(['case', 'Dice'], [['a-very-long-name-of-a-case', 0.91234]], { width: 20 });
    expect(table.split('\n')[2]).toBe('a-very-long…  0.9123');
    for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(20);
  });

  it('lets the best stand out, the least where less is better', () => {
    const table = formatTable(
      ['method', 'Dice', 'HD95'],
      [
        ['base', 0.8, 3.5],
        ['adapted', 0.9, 4.5],
      ],
      { best: { Dice: 'max', HD95: 'min' }, emphasise: (text) => `*${text}*` },
    );
    expect(table.split('\n').slice(2)).toEqual(['base     0.8000  *3.5000*', 'adapted  *0.9000*  4.5000']);
  });
});
