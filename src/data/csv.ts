/** Tables that graft writes, for programs as for people who open them in a spreadsheet. */
import { stringify } from 'csv-stringify/sync';

export type CsvCell = string | number | boolean | null | undefined;

/** What a spreadsheet takes for the beginning of a formula, which may start programs; wide forms count, too. */
const formula = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Rows as CSV. A text that a spreadsheet would run gets an apostrophe before it, which makes it a text there; numbers
 * stay as they are. What is null or undefined is an empty field.
 */
export const csvOf = (rows: readonly (readonly CsvCell[])[]): string =>
  stringify(
    rows.map((row) =>
      row.map((cell) => (typeof cell === 'string' && formula.test(cell) && !number.test(cell) ? `'${cell}` : cell)),
    ),
    { cast: { boolean: String } },
  );
