/** Aligned plain-text tables for terminals, logs and reports. */
import { measured } from './format.js';

export type Cell = string | number | undefined;

export interface TableOptions {
  /** Columns of characters that the table may take; the widest column of words is cut with `…` beyond it. */
  width?: number;
  /** Column names whose greatest (`max`) or least (`min`) number stands out. */
  best?: Record<string, 'max' | 'min'>;
  /** How the best stands out, such as `context.bold`. */
  emphasise?: (text: string) => string;
}

const isNumeric = (text: string) =>
  text === '' || text === '–' || /^[-+]?[\d,.]+(e[-+]?\d+)?( [%\w]{1,2})?$/.test(text);
const length = (text: string) => [...text].length;

/**
 * A header, a rule and a line for each row. Columns of numbers (also as texts with a unit, `41.2 kB`) are aligned to the
 * right, others to the left; an undefined cell is a dash. What a terminal would obey becomes a space.
 *
 * @returns lines without a trailing newline or trailing spaces
 */
export function formatTable(header: string[], rows: Cell[][], options: TableOptions = {}): string {
  const { width = Number.POSITIVE_INFINITY, best = {}, emphasise = (text) => text } = options;
  const texts = rows.map((row) =>
    header.map((_, c) => (typeof row[c] === 'number' ? measured(row[c]) : (row[c] ?? '–').replace(/\p{Cc}/gu, ' '))),
  );
  const right = header.map((_, c) => texts.length > 0 && texts.every((row) => isNumeric(row[c])));
  const widths = header.map((name, c) => Math.max(length(name), ...texts.map((row) => length(row[c]))));
  shrink(widths, right, width);

  const stands = header.map((name, c) => {
    const numbers = rows.flatMap((row) => (typeof row[c] === 'number' ? [row[c]] : []));
    return best[name] && numbers.length > 0 ? Math[best[name]](...numbers) : undefined;
  });
  const line = (cells: string[], isBest: (c: number) => boolean = () => false) =>
    cells
      .map((text, c) => {
        const cut = length(text) > widths[c] ? `${[...text].slice(0, widths[c] - 1).join('')}…` : text;
        const gap = ' '.repeat(widths[c] - length(cut));
        const shown = isBest(c) ? emphasise(cut) : cut;
        return right[c] ? gap + shown : shown + gap;
      })
      .join('  ')
      .trimEnd();
  return [
    line(header),
    widths.map((w) => '-'.repeat(w)).join('  '),
    ...texts.map((row, r) => line(row, (c) => stands[c] !== undefined && rows[r][c] === stands[c])),
  ].join('\n');
}

/** Takes from the widest columns of words until the table fits; no column falls below 8 characters, numbers stay whole. */
function shrink(widths: number[], right: boolean[], available: number): void {
  let excess = widths.reduce((sum, w) => sum + w, 2 * (widths.length - 1)) - available;
  while (excess > 0) {
    const words = widths.map((w, c) => (right[c] ? 0 : w));
    const widest = words.indexOf(Math.max(...words));
    if (words[widest] <= 8) return;
    widths[widest]--;
    excess--;
  }
}
