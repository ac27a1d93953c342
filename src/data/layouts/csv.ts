/**
 * A table: one row a case, with the columns `site`, `case`, `image`, `label` (empty where there is none) and, where
 * wanted, `patient` and `split` (train, validation or test). Paths are relative to the table. Commas, semicolons or tabs
 * separate columns, as the header has it; the order of the columns does not matter, and one without a name is left out.
 */
import { existsSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { didYouMean, readFault, repeated, shownName } from '../../core/index.js';
import type { Case } from '../dataset.js';
import { layoutError } from './errors.js';
import { assertNifti, type Layout, listed } from './layout.js';
import { cellOf, readTable, type TableRow } from './table.js';

const needed = ['site', 'case', 'image', 'label'] as const;
const known = [...needed, 'patient', 'split'] as const;
const splits = ['train', 'validation', 'test'] as const;
type Column = (typeof known)[number];

export const csv: Layout = {
  recognises: (root) => extname(root).toLowerCase() === '.csv',
  read(file, report) {
    const cases = rowsOf(file).flatMap(({ record, info: { lines } }): Case[] => {
      const [site, name, image] = (['site', 'case', 'image'] as const).map((column) => cellOf(record[column]) ?? '');
      const [label, patient, split] = (['label', 'patient', 'split'] as const).map((column) => cellOf(record[column]));
      const invalid = (problem: string) => {
        report(layoutError('CSV_INVALID', { file, problem: `line ${lines}: ${problem}` }), { site, name });
      };
      const empty = [site, name, image].indexOf('');
      if (empty >= 0) {
        invalid(`the column ${needed[empty]} is empty`);
        return [];
      }
      const part = splits.find((one) => one === split);
      if (split && !part) invalid(`split is "${split}"; expected ${splits.join(', ')} or nothing`);
      const [imageFile, labelFile] = [image, label].map((path) => (path ? resolve(dirname(file), path) : undefined));
      for (const path of [imageFile, labelFile])
        if (path && !existsSync(path))
          report(layoutError('DATASET_FILE_MISSING', { list: `${file}, line ${lines}`, file: path }), { site, name });
      for (const path of [imageFile, labelFile])
        if (path && existsSync(path)) assertNifti(path, report, { site, name });
      if (!existsSync(imageFile!)) return [];
      return [
        {
          ...{ site, name, image: imageFile! },
          ...(labelFile && existsSync(labelFile) && { label: labelFile }),
          ...(patient && { patient }),
          ...(part && { split: part }),
        },
      ];
    });
    return { cases };
  },
};

/** @throws GraftError CSV_INVALID where the table as a whole cannot be read */
function rowsOf(file: string): TableRow<Column>[] {
  const invalid = (problem: string, cause?: unknown) => layoutError('CSV_INVALID', { file, problem }, cause);
  const columns = (header: string[]) => {
    const cells = header.map((name) => name.trim().toLowerCase());
    const names = cells.filter((name) => name !== '');
    const missing = needed.filter((name) => !names.includes(name));
    if (missing.length > 0)
      throw invalid(
        `expected the columns ${needed.join(', ')}, found ${listed(names.map(shownName))}: ${missing.join(', ')} missing`,
      );
    const unknown = names.find((name) => !known.some((one) => one === name));
    if (unknown !== undefined)
      throw invalid(
        `the column "${shownName(unknown)}" is unknown${didYouMean(unknown, known)} Correct its name, or remove it`,
      );
    const twice = repeated(names);
    if (twice) throw invalid(`the column ${twice} is there twice`);
    // R and pandas number rows in a column without a name, and some programs end every line with a separator.
    return cells.map((name) => (name === '' ? null : (name as Column)));
  };
  let rows: TableRow<Column>[];
  try {
    rows = readTable(file, { columns });
  } catch (error) {
    if ((error as { code?: string }).code === 'CSV_INVALID') throw error;
    throw invalid(`could not be read as a table (${readFault(error)})`, error);
  }
  if (rows.length === 0) throw invalid('expected a line for every case, found none');
  return rows;
}
