/** The data set of a run: one on the disk, or phantoms that are generated into the run's folder. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { type Case, type Dataset, generatePhantoms, phantomSchema, readDataset } from '../data/index.js';
import { runError } from './errors.js';
import type { ProgressEvent } from './events.js';
import type { RunFolder } from './folder.js';

export const dataSchema = z.strictObject({
  root: z.string().optional().describe('folder ROOT/SITE/{images,labels}/CASE.nii.gz'),
  phantom: phantomSchema.optional().describe('generated into the run folder where no root is given'),
});
export const classesSchema = z.array(z.string()).min(1).default(['foreground']).describe('names of the labels 1, 2, …');

interface WithData {
  data: z.output<typeof dataSchema>;
}

/** The recipe with another data set, where one is given. */
export const withData = <Recipe extends WithData>(recipe: Recipe, root: string | undefined): Recipe =>
  root === undefined ? recipe : { ...recipe, data: { ...recipe.data, root: resolve(root) } };

/** The data set on the disk; undefined where phantoms are to be made. @throws GraftError RECIPE_NO_DATA */
export function findDataset({ data: { root, phantom } }: WithData, file: string): Dataset | undefined {
  if (!root && !phantom) throw runError('RECIPE_NO_DATA', { file, layout: '{images,labels}' });
  return root ? readDataset(root) : undefined;
}

export async function* makePhantoms({ data }: WithData, folder: RunFolder): AsyncGenerator<ProgressEvent, Dataset> {
  const root = folder.file('data');
  // The record is written last: it says that the phantoms are whole.
  if (folder.has('data', 'phantoms.json')) return readDataset(root);
  yield { kind: 'task', name: 'phantoms' };
  const dataset = generatePhantoms(root, data.phantom!);
  folder.writeJson(data.phantom, 'data', 'phantoms.json');
  yield { kind: 'done', name: 'phantoms', values: { sites: dataset.sites.length } };
  return dataset;
}

/** @param purpose what the labels are needed for @throws GraftError SITE_UNLABELLED */
export function checkLabelled({ root }: Dataset, cases: readonly Case[], purpose: string): void {
  const bare = cases.find(({ label }) => !label);
  if (bare) throw runError('SITE_UNLABELLED', { root, site: bare.site, name: bare.name, purpose });
}
