/** The cases of a hospital that a study trains on: those that the study's recipe gives to training. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { isFolder } from '../../core/index.js';
import { type Case, type Dataset, readDataset, siteOf, splitCases } from '../../data/index.js';
import { type FederationRecipe, labelledCases, parseFederationRecipe } from '../../studies/index.js';
import type { Study } from '../study.js';

/** The recipe that the study was made from. @throws GraftError RECIPE_… */
export const recipeOf = ({ name, recipe }: Study): FederationRecipe =>
  parseFederationRecipe(parse(recipe), `the recipe of ${name}`);

/**
 * Finds the cases and divides them as the recipe says, so that those which are kept from training can be scored later.
 *
 * @param root a data set whose sites are all the hospital's, or the folder of one site with `images` and `labels`
 * @throws GraftError naming what is missing
 */
export function trainingCases(root: string, study: Study): { train: Case[]; kept: Case[] } {
  const recipe = recipeOf(study);
  const { split, groupBy, maxCases, data } = recipe;
  const dataset = datasetIn(root, data);
  const cases = dataset.sites.flatMap(({ name }) => labelledCases(dataset, name, 'training'));
  const { train, ...others } = splitCases(cases.slice(0, maxCases), {
    ...{ parts: split, seed: study.federation.seed, ...(groupBy && { groupBy }) },
  });
  return { train, kept: Object.values(others).flat() };
}

function datasetIn(root: string, { layout, masks }: FederationRecipe['data']): Dataset {
  const folder = resolve(root);
  const isSite = isFolder(join(folder, 'images'));
  if (!isSite || existsSync(join(folder, 'dataset.json'))) return readDataset(root, { layout, masks });
  const above = readDataset(dirname(folder), { layout: 'plain' });
  return { ...above, sites: [siteOf(above, basename(folder))] };
}
