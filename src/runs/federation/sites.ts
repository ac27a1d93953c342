/** The sites of a federated experiment: their cases, how each is divided, and the slices that training reads. */
import { type Case, type CaseSlices, type Dataset, loadSlices, siteOf, splitCases } from '../../data/index.js';
import type { SamSegmenter } from '../../finetune/index.js';
import { checkLabelled } from '../dataset.js';
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
    const cases = siteOf(dataset, name).cases.slice(0, maxCases);
    checkLabelled(dataset, cases, 'training and scoring');
    return { name, ...splitCases(cases, { parts: split, seed, ...(groupBy && { groupBy }) }) };
  });
}

/** A site with its slices in memory. */
export interface LoadedSite {
  name: string;
  train: CaseSlices[];
  validation: CaseSlices[];
  test: Case[];
}

/** @throws GraftError naming the file that cannot be used */
export function loadSite({ name, train, validation, test }: SiteSplit, model: SamSegmenter): LoadedSite {
  const options = { classes: model.classes.length + 1, device: model.device };
  const load = (cases: Case[]) => loadSlices(cases, model.preprocessing, options);
  return { name, train: load(train), validation: load(validation), test };
}

export function freeSite({ train, validation }: LoadedSite): void {
  for (const { images } of [...train, ...validation]) images.dispose();
}
