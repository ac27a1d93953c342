/** Tables as Markdown (GitHub's pipes), the best of a column bold. */
import type { ComparisonTable } from './tables.js';

/** A table as Markdown (GitHub's pipes), the best of a column bold. */
export function markdownTable({ caption, header, rows, key }: ComparisonTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `**${escaped(caption)}**`,
    '',
    line(header.map(escaped)),
    line(header.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...rows.map((cells) => line(cells.map(({ text, best }) => (best ? `**${escaped(text)}**` : escaped(text))))),
    '',
    escaped(key),
  ].join('\n');
}

/** What Markdown would read as its own. */
const escaped = (text: string): string => text.replace(/[\\`*_[\]<>|]/g, '\\$&');
