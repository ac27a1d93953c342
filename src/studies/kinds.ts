/** Recipes of either kind, told apart by their keys. */
import { adaptationFindings } from './adaptation/findings.js';
import { parseRecipe, type Recipe } from './adaptation/recipe.js';
import type { ModelScores } from './comparison/scores.js';
import { federationFindings } from './federation/findings.js';
import { type FederationRecipe, isFederation, parseFederationRecipe } from './federation/recipe.js';
import type { Findings } from './findings.js';
import type { RunFiles } from './folder.js';
import { readContent, readSavedContent } from './parse.js';

export type AnyRecipe = { kind: 'adaptation'; recipe: Recipe } | { kind: 'federation'; recipe: FederationRecipe };

/** As `readRecipe` and `readFederationRecipe`: a recipe with `sites` is a federation's. */
export const readAnyRecipe = (file: string, overrides: Record<string, unknown> = {}): AnyRecipe =>
  parseAnyRecipe(readContent(file, overrides), file);

/** The recipe that a run's folder holds; as `readAnyRecipe`. */
export const readSavedRecipe = (file: string): AnyRecipe => parseAnyRecipe(readSavedContent(file), file);

function parseAnyRecipe(content: Record<string, unknown>, file: string): AnyRecipe {
  return isFederation(content)
    ? { kind: 'federation', recipe: parseFederationRecipe(content, file) }
    : { kind: 'adaptation', recipe: parseRecipe(content, file) };
}

/** Every model of a run that has been scored, in the recipe's order. @throws GraftError RUN_DAMAGED */
export const readScores = (files: RunFiles, { kind, recipe }: AnyRecipe): ModelScores[] =>
  kind === 'adaptation' ? scored(adaptationFindings, files, recipe) : scored(federationFindings, files, recipe);

const scored = <Recipe, Found>(
  { models, read }: Pick<Findings<Recipe, Found, never>, 'models' | 'read'>,
  files: RunFiles,
  recipe: Recipe,
): ModelScores[] => models(recipe, read(files, recipe));
