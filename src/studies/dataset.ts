/** The data set of a run: one on the disk, or phantoms that are generated into the run's folder. */
import { relative, resolve } from 'node:path';
import { z } from 'zod';
import type { ProgressEvent } from '../core/index.js';
import { sha256 } from '../core/index.js';
import {
  benchmarkNames,
  type Case,
  classNamesSchema,
  type Dataset,
  generatePhantoms,
  isWithheld,
  layoutNames,
  phantomSchema,
  readBenchmark,
  readDataset,
  siteOf,
} from '../data/index.js';
import { runError } from './errors.js';
import type { RunFolder } from './folder.js';
import { namePatients } from './patients.js';
import { damagedFile, type FileRecord } from './whole.js';

export const dataSchema = z
  .strictObject({
    root: z.string().optional().describe('folder or CSV table of the data set; docs/datasets.md shows the layouts'),
    layout: z
      .enum(['auto', ...layoutNames])
      .optional()
      .describe('how the files lie; default: auto, which looks at the folder'),
    masks: z
      .string()
      .optional()
      .describe('bids: regular expression on the paths below `derivatives` that tells which masks are the labels'),
    benchmark: z
      .enum(benchmarkNames)
      .optional()
      .describe('the folder is this published set, with its sites, its test cases and what it fixes for each site'),
    phantom: phantomSchema.optional().describe('generated into the run folder where no root is given'),
  })
  .refine(({ layout, benchmark }) => !(layout && benchmark), {
    error: 'a benchmark set has a layout of its own: leave `layout` out',
    path: ['layout'],
  });
export const classesSchema = classNamesSchema.default(['foreground']).describe('names of the labels 1, 2, …');

interface WithData {
  data: z.output<typeof dataSchema>;
}

/** The recipe with another data set, where one is given. */
export const withData = <Recipe extends WithData>(recipe: Recipe, root: string | undefined): Recipe =>
  root === undefined ? recipe : { ...recipe, data: { ...recipe.data, root: resolve(root) } };

/** The data set on the disk; undefined where phantoms are to be made. @throws GraftError RECIPE_NO_DATA */
export function findDataset({ data }: WithData, file: string): Dataset | undefined {
  const { root, phantom, benchmark, layout, masks } = data;
  if (!root && !phantom) throw runError('RECIPE_NO_DATA', { file, layout: '{images,labels}' });
  if (!root) return undefined;
  return namePatients(benchmark ? readBenchmark(benchmark, root) : readDataset(root, { layout, masks }));
}

export async function* makePhantoms({ data }: WithData, folder: RunFolder): AsyncGenerator<ProgressEvent, Dataset> {
  const root = folder.file('data');
  // The record is written last: it says that the phantoms are whole, and of which bytes.
  const record = ['data', 'phantoms.json'];
  if (folder.has(...record)) {
    const damage = folder.isWhole(...record)
      ? damagedFile(folder, folder.readJson<PhantomRecord>(...record).files)
      : `${folder.file(...record)} is damaged`;
    if (!damage) return readDataset(root);
    yield { kind: 'note', text: `${damage}: the phantoms are made again` };
  }
  yield { kind: 'task', name: 'phantoms' };
  const dataset = generatePhantoms(root, data.phantom!);
  const paths = dataset.sites.flatMap(({ cases }) =>
    cases.flatMap(({ image, label }) => [image, ...(label ? [label] : [])]),
  );
  const files = paths.map((path) => ({ file: relative(folder.path, path), sha256: sha256(path) }));
  folder.writeJson({ ...data.phantom, files } satisfies PhantomRecord, ...record);
  yield { kind: 'done', name: 'phantoms', values: { sites: dataset.sites.length } };
  return dataset;
}

interface PhantomRecord {
  /** Absent in runs of earlier versions. */
  files?: FileRecord[];
}

/**
 * The cases of a site that a run can use: test cases whose labels the data set keeps to itself are left out.
 *
 * @param purpose what the labels are needed for
 * @throws GraftError DATASET_UNKNOWN_SITE, SITE_UNLABELLED
 */
export function labelledCases(dataset: Dataset, site: string, purpose: string): Case[] {
  const cases = siteOf(dataset, site).cases.filter((one) => !isWithheld(one));
  const bare = cases.find(({ label }) => !label);
  if (bare) throw runError('SITE_UNLABELLED', { root: dataset.root, site, name: bare.name, purpose });
  return cases;
}
