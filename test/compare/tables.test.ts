/** A comparison as a paper shows it. */
import { describe, expect, it } from 'vitest';
import { compareMethods, comparisonTables, latexTable, markdownTable } from '../../src/compare/index.js';
import { cases, entry } from './scored.js';

const low = [0.61, 0.72, 0.55, 0.8, 0.69, 0.74, 0.58, 0.66];
const high = low.map((value) => value + 0.1);
const sites = (values: readonly number[]) => [...cases(values, 'a_1'), ...cases(values, 'b')];
const comparison = compareMethods([entry('low', sites(low)), entry('high & mighty', sites(high))], { measure: 'dice' });
const [statistics, groups, boundary, worst] = comparisonTables(comparison);

describe('the tables', () => {
  it('hold the statistics as they are printed', () => {
    expect(statistics.header).toEqual([
      ...['method', 'cases', 'mean ± sd', '95 % interval', 'median', 'difference (95 % interval)', 'p (Holm)'],
    ]);
    const texts = statistics.rows.map((row) => row.map(({ text }) => text));
    expect(texts[0].slice(0, 3)).toEqual(['low', '16', '0.669 ± 0.082']);
    expect(texts[0].slice(4)).toEqual(['0.675', '–', '–']);
    expect(texts[1].slice(5)).toEqual(['+0.100 (0.100 to 0.100)', '<0.001 (<0.001)']);
    expect(statistics.rows.map(([, , mean]) => mean.best)).toEqual([false, true]);
  });

  it('mark what differs by site, and list the worst cases', () => {
    expect(groups.header).toEqual(['method', 'all', 'a_1', 'b']);
    expect(groups.rows[1].map(({ text }) => text)[2]).toBe('0.769 ± 0.085 *');
    expect(worst.rows[0].map(({ text }) => text).slice(0, 2)).toEqual(['low', 'a_1/case3 0.550']);
  });

  it('tell on which side of the reference masks end, by site, and what share of the gap to an oracle is closed', () => {
    expect(boundary.header).toEqual(['method', 'all, mm', 'a_1, mm', 'b, mm']);
    expect(boundary.rows[0].map(({ text }) => text)).toEqual(['low', ...Array(3).fill('−0.33')]);
    const source = entry('source', sites(low), { role: 'source' });
    const oracle = entry('oracle', sites(low.map((value) => value + 0.2)), { role: 'oracle' });
    const rows = comparisonTables(compareMethods([source, entry('half', sites(high)), oracle], { measure: 'dice' }));
    const closed = rows.find(({ id }) => id === 'boundary-dice')!.rows.map((row) => row[2].text);
    expect(closed).toEqual(['–', '50 %', '–']);
    // The best of its column is a method, however much better the oracle is.
    expect(rows[0].rows.map(([, , mean]) => mean.best)).toEqual([false, true, false]);
  });

  it('hold no table of sites where there is one', () => {
    const single = compareMethods([entry('low', cases(low))], { measure: 'hausdorff95' });
    expect(comparisonTables(single).map(({ id }) => id)).toEqual([
      ...['statistics-hausdorff95', 'boundary-hausdorff95', 'worst-hausdorff95'],
    ]);
  });

  it('call nothing the best that was scored on fewer cases', () => {
    const few = compareMethods([entry('low', cases(low)), entry('few', cases([0.9, 0.9]))], { measure: 'dice' });
    expect(comparisonTables(few)[0].rows.map(([, , mean]) => mean.best)).toEqual([false, false]);
  });
});

it('is Markdown with a column for each header, names escaped', () => {
  const lines = markdownTable(groups).split('\n');
  expect(lines[2]).toBe('| method | all | a\\_1 | b |');
  expect(lines[3]).toBe('| --- | ---: | ---: | ---: |');
  expect(lines[5]).toMatch(/^\| high & mighty \| \*\*0\.769 ± 0\.08\d \\\*\*\* \|/);
});

it('is LaTeX that a document takes as it is', () => {
  const text = latexTable(groups);
  expect(text).toContain('\\begin{tabular}{lrrr}');
  expect(text).toContain('method & all & a\\_1 & b \\\\');
  expect(text).toMatch(/high \\& mighty & \\textbf\{0\.769 \$\\pm\$ 0\.08\d \$\^\{\*\}\$\}/);
  expect(text).not.toMatch(/[±−∞–]|(?<!\\)[&](?=[^ ])/);
  expect([text.match(/\{/g)!.length, text.match(/\$/g)!.length % 2]).toEqual([text.match(/\}/g)!.length, 0]);
});
