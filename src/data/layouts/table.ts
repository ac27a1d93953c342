/** Tables of text, whatever program wrote them: Excel in any country, pandas, R, editors on any system. */
import { isUtf8 } from 'node:buffer';
import { type Options, parse } from 'csv-parse/sync';
import { readRegular } from '../../core/index.js';

/** Bytes: a million rows. */
const largest = 2 ** 27;

const separators = [',', ';', '\t'] as const;
export type Separator = (typeof separators)[number];

export interface TableRow<Column extends string> {
  record: Partial<Record<Column, string>>;
  info: { lines: number };
}

/**
 * Rows by column name; spaces around cells, empty lines, rows of separators alone and Excel's first line `sep=;` are left
 * out, a byte order mark and any line ends are understood.
 *
 * @param options.columns makes names of the header's cells, null for a column that is left out; it may throw
 * @param options.separator default: the one that divides the header into most cells, for the whole table, so that a
 * comma in a cell of a table with semicolons divides nothing
 * @throws what `columns` throws, csv-parse's errors, and those of `openRegular`
 */
export function readTable<Column extends string>(
  file: string,
  options: { columns: (header: string[]) => (Column | null)[]; separator?: Separator },
): TableRow<Column>[] {
  const text = decoded(readRegular(file, largest)).replace(/^sep=[,;\t](?=[\r\n])/i, '');
  const lines = { trim: true, skip_empty_lines: true, record_delimiter: ['\r\n', '\n', '\r'] };
  const delimiter =
    options.separator ??
    separators
      .map((one) => ({ one, cells: cellsOfHeader(text, { ...lines, delimiter: one }) }))
      .reduce((best, other) => (other.cells > best.cells ? other : best)).one;
  const strictness = options.separator === undefined ? {} : { quote: null, relax_column_count: true };
  return parse(text, {
    ...lines,
    ...strictness,
    delimiter,
    skip_records_with_empty_values: true,
    columns: options.columns,
    info: true,
  }) as unknown as TableRow<Column>[];
}

/** How many cells the first line has; none where it cannot be read so, as a quoted one with another separator cannot. */
function cellsOfHeader(text: string, options: Options): number {
  try {
    return (parse(text, { ...options, to: 1, relax_column_count: true }) as string[][])[0]?.length ?? 0;
  } catch {
    return 0;
  }
}

/**
 * Text without its byte order mark. Excel's "Unicode text" is UTF-16 with such a mark, and its plain CSV is Windows-1252
 * in Western Europe and America: what is not UTF-8 is taken for that.
 */
function decoded(bytes: Buffer): string {
  const marked = { 'utf-16le': [0xff, 0xfe], 'utf-16be': [0xfe, 0xff] };
  const utf16 = Object.entries(marked).find(([, mark]) => mark.every((byte, i) => bytes[i] === byte))?.[0];
  if (utf16) return new TextDecoder(utf16).decode(bytes);
  return new TextDecoder(isUtf8(bytes) ? 'utf-8' : 'windows-1252').decode(bytes);
}

/** What a cell says; undefined where it is empty, or `n/a` as BIDS has it for what is not known. */
export const cellOf = (text: string | undefined): string | undefined =>
  text === undefined || text === '' || /^n\/a$/i.test(text) ? undefined : text;
