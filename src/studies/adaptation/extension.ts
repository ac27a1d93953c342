/**
 * How a finished adaptation run goes on under a recipe that asks for more: seeds, targets and methods are added. What is
 * there does not depend on them, so the run ends with the same bits as if they had been asked for from the start.
 */
import type { Change } from '../../core/index.js';
import type { Extension } from '../folder.js';
import { readSavedContent } from '../parse.js';
import { parseRecipe, type Recipe } from './recipe.js';

/** Keys that only the report shows. */
export const shownOnly = ['title', 'description'];

/** Reasons for the keys of which something was taken away. */
export const removedFrom = <Key extends string>(
  keys: readonly Key[],
  before: Record<Key, readonly unknown[]>,
  now: Record<Key, readonly unknown[]>,
): string[] =>
  keys
    .filter((key) => before[key].some((one) => !now[key].includes(one)))
    .map((key) => `${key}: what was asked for must stay in the list`);

/** Reasons for keys beside those that may change. */
export const fixedAmong = (
  changes: readonly Change[],
  free: readonly string[],
  why: (key: string) => string,
): string[] =>
  changes
    .filter(({ key }) => !free.some((one) => key === one || key.startsWith(`${one}.`)))
    .map(({ key }) => `${key}: ${why(key)}`);

/** @param asked whether the user wants to go on under another recipe */
export function extensionOf(recipe: Recipe, asked: boolean): Extension {
  let before = recipe;
  return {
    asked,
    read: (file) => {
      before = parseRecipe(readSavedContent(file), file);
      return before;
    },
    refusals: (changes) => [
      ...fixedAmong(changes, [...shownOnly, 'seeds', 'targets', 'methods', 'grid'], whyFixed),
      ...removedFrom(['seeds', 'targets'], before, recipe),
      ...before.variants.flatMap((method) => {
        const now = recipe.variants.find(({ name }) => name === method.name);
        if (!now) return [`methods: ${method.name} must stay in the list`];
        const same = JSON.stringify(now) === JSON.stringify(method);
        return same ? [] : [`methods: ${method.name} has other settings now; give the new ones a name of their own`];
      }),
    ],
    prepare: () => [],
  };
}

const whyFixed = (key: string) =>
  key === 'training.epochs'
    ? 'the learning rate falls over all epochs, so more of them are another training ("graft train --init" goes on from a model)'
    : 'all results depend on it';
