/** The sites of a federated experiment: their cases, how each is divided, and the slices that training reads. */

import type { ProgressEvent } from '../../core/index.js';
import { type Case, type CaseSlices, type Dataset, splitCases } from '../../data/index.js';
import { readSlices } from '../../jobs/index.js';
import type { Segmenter } from '../../segmenter/index.js';
import { labelledCases } from '../dataset.js';
import type { FederationRecipe } from './recipe.js';

const parts = ['train', 'validation', 'test'] as const;
export type SiteSplit = { name: string } & Record<(typeof parts)[number], Case[]>;

/**
 * Divides the cases of every site by itself.
 *
 * @throws GraftError DATASET_UNKNOWN_SITE, SITE_UNLABELLED, and those of a split that the cases do not allow
 */
export function splitSites(recipe: FederationRecipe, dataset: Dataset, seed: number): SiteSplit[] {
  const { sites, maxCases, split, groupBy } = recipe;
  return sites.map((name) => {
    const cases = labelledCases(dataset, name, 'training and scoring').slice(0, maxCases);
    return { name, ...splitCases(cases, { parts: split, seed, ...(groupBy && { groupBy }) }) };
  });
}

/** A site with its slices. */
export interface LoadedSite {
  name: string;
  train: CaseSlices[];
  validation: CaseSlices[];
  test: Case[];
}

/**
 * @param cache folder of prepared slices; undefined: they are held in memory
 * @throws GraftError naming the file that cannot be used
 */
export async function* loadSite(
  { name, train, validation, test }: SiteSplit,
  { classes, preprocessing }: Segmenter,
  cache: string | undefined,
): AsyncGenerator<ProgressEvent, LoadedSite> {
  const options = { classes: classes.length + 1, cache };
  const slices = yield* readSlices(name, [...train, ...validation], preprocessing, options);
  return { name, train: slices.slice(0, train.length), validation: slices.slice(train.length), test };
}

export function freeSite({ train, validation }: LoadedSite): void {
  for (const { images } of [...train, ...validation]) images.dispose();
}
