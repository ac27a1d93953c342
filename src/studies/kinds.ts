/** Recipes of either kind, told apart by their keys. */

import type { FederationRecipe } from './federation/recipe.js';
import { isFederation, parseFederationRecipe } from './federation/recipe.js';
import { readContent, readSavedContent } from './parse.js';
import { parseRecipe, type Recipe } from './recipe.js';

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
