/** The kinds of study, and recipes of either, told apart by their keys. */
import type { Recipe } from './adaptation/recipe.js';
import { adaptationStudy } from './adaptation/study.js';
import type { ModelScores } from './comparison/scores.js';
import { type FederationRecipe, isFederation } from './federation/recipe.js';
import { federationStudy } from './federation/study.js';
import type { RunFiles } from './folder.js';
import { readContent, readSavedContent } from './parse.js';
import type { AnyStudy } from './study.js';

/** A recipe with the study that it is for. */
export type AnyRecipe =
  | { kind: 'adaptation'; study: typeof adaptationStudy; recipe: Recipe }
  | { kind: 'federation'; study: typeof federationStudy; recipe: FederationRecipe };

/** As `readAdaptationRecipe` and `readFederationRecipe`: a recipe with `sites` is a federation's. */
export const readAnyRecipe = (file: string, overrides: Record<string, unknown> = {}): AnyRecipe =>
  parseAnyRecipe(readContent(file, overrides), file);

/** The recipe that a run's folder holds; as `readAnyRecipe`. */
export const readSavedRecipe = (file: string): AnyRecipe => parseAnyRecipe(readSavedContent(file), file);

const parseAnyRecipe = (content: Record<string, unknown>, file: string): AnyRecipe =>
  isFederation(content)
    ? { kind: 'federation', study: federationStudy, recipe: federationStudy.parse(content, file) }
    : { kind: 'adaptation', study: adaptationStudy, recipe: adaptationStudy.parse(content, file) };

/** Every model of a run that has been scored, in the recipe's order. @throws GraftError RUN_DAMAGED */
export function readScores(files: RunFiles, { study, recipe }: AnyRecipe): ModelScores[] {
  const { models, read }: AnyStudy = study;
  return models(recipe, read(files, recipe));
}
