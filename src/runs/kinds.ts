/** Recipes of either kind, told apart by their keys. */

import type { FederationRecipe } from './federation/recipe.js';
import { isFederation, parseFederationRecipe } from './federation/recipe.js';
import { readContent } from './parse.js';
import { parseRecipe, type Recipe } from './recipe.js';

export type AnyRecipe = { kind: 'adaptation'; recipe: Recipe } | { kind: 'federation'; recipe: FederationRecipe };

/** As `readRecipe` and `readFederationRecipe`: a recipe with `sites` is a federation's. */
export function readAnyRecipe(file: string, overrides: Record<string, unknown> = {}): AnyRecipe {
  const content = readContent(file, overrides);
  return isFederation(content)
    ? { kind: 'federation', recipe: parseFederationRecipe(content, file) }
    : { kind: 'adaptation', recipe: parseRecipe(content, file) };
}
