/** Tables of text, whatever program wrote them: Excel in any country, pandas, R, editors on any system. */
import { parse } from 'csv-parse/sync';
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
 * Rows by column name; spaces around cells and empty lines are left out, a byte order mark and any line ends are
 * understood.
 *
 * @param options.columns makes names of the header's cells; it may throw
 * @param options.separator default: the one that divides the header into most cells, for the whole table, so that a
 * comma in a cell of a table with semicolons divides nothing
 * @throws what `columns` throws, csv-parse's errors, and those of `openRegular`
 */
export function readTable<Column extends string>(
  file: string,
  options: { columns: (header: string[]) => Column[]; separator?: Separator },
): TableRow<Column>[] {
  const text = decoded(readRegular(file, largest));
  const lines = { bom: true, trim: true, skip_empty_lines: true, record_delimiter: ['\r\n', '\n', '\r'] };
  const cellsWith = (delimiter: Separator) =>
    (parse(text, { ...lines, delimiter, to: 1, relax_column_count: true, relax_quotes: true }) as string[][])[0] ?? [];
  const delimiter =
    options.separator ??
    separators.reduce((best, other) => (cellsWith(other).length > cellsWith(best).length ? other : best));
  const strictness = options.separator === undefined ? {} : { quote: null, relax_column_count: true };
  return parse(text, {
    ...lines,
    ...strictness,
    delimiter,
    columns: options.columns,
    info: true,
  }) as unknown as TableRow<Column>[];
}

/** Excel's "Unicode text" is UTF-16 with a byte order mark. */
function decoded(bytes: Buffer): string {
  const utf16 =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : undefined;
  return utf16 ? new TextDecoder(utf16).decode(bytes) : bytes.toString('utf8');
}

/** What a cell says; undefined where it is empty, or `n/a` as BIDS has it for what is not known. */
export const cellOf = (text: string | undefined): string | undefined =>
  text === undefined || text === '' || /^n\/a$/i.test(text) ? undefined : text;
