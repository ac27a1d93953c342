/** Folders of runs, which are only read: the scores in them, as entries of one comparison. */
import { existsSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import type { ComparisonEntry } from '../../compare/index.js';
import { runError } from '../errors.js';
import { type RunFiles, readRunJson, savedRecipe } from '../folder.js';
import { type AnyRecipe, readSavedRecipe, readScores } from '../kinds.js';
import { namingOf, pseudonymFile } from '../names.js';
import { entriesOf } from './scores.js';
import { renamed } from './sharing.js';

/** A run that is only read. @throws GraftError RUN_MISSING, and what reading a recipe throws */
export function openRun(path: string): { files: RunFiles; run: AnyRecipe } {
  const file = (...parts: string[]) => join(path, ...parts);
  const recipe = file('recipe.yaml');
  if (!existsSync(recipe)) throw runError('RUN_MISSING', { folder: path });
  const { saved, noted } = savedRecipe(path);
  if (!saved && noted !== undefined)
    throw runError('RUN_DAMAGED', { file: recipe, reason: 'it is not what was written' });
  const files: RunFiles = {
    file,
    has: (...parts) => existsSync(file(...parts)),
    readJson: <T extends object>(...parts: string[]): T => readRunJson<T>(file(...parts)),
  };
  return { files, run: readSavedRecipe(recipe) };
}

/** What runs are called: the last parts of their folders' paths, as many as tell them apart. */
export function namesOfRuns(given: readonly string[]): string[] {
  const parts = given.map((folder) => resolve(folder).split(sep).filter(Boolean));
  const several = new Set(parts.map((path) => path.join(sep))).size;
  const longest = Math.max(...parts.map((path) => path.length));
  for (let count = 1; ; count++) {
    const names = parts.map((path) => path.slice(-count).join('/'));
    if (new Set(names).size === several || count >= longest) return names;
  }
}

/**
 * The entries of several runs; where there are more than one, under the names of their folders.
 * @throws GraftError RUN_MISSING, RUN_UNSCORED, RUN_DAMAGED, and what reading a recipe throws
 */
export function entriesOfRuns(given: readonly string[]): ComparisonEntry[] {
  const folders = [...new Set(given.map((folder) => resolve(folder)))];
  const names = namesOfRuns(folders);
  return folders.flatMap((folder, i) => {
    const { files, run } = openRun(folder);
    const entries = entriesOf(run.recipe, readScores(files, run));
    if (entries.length === 0) throw runError('RUN_UNSCORED', { folder });
    return folders.length === 1
      ? entries
      : entries.map((one) => ({ ...one, name: `${names[i]}/${one.name}`, run: names[i] }));
  });
}

/**
 * Entries as they may be handed on: cases have the pseudonyms of the first run, and new ones where that has none, unless
 * the recipes of all runs let names be shown.
 */
export function forSharing(entries: readonly ComparisonEntry[], folders: readonly string[]): ComparisonEntry[] {
  const runs = folders.map(openRun);
  const choice = runs.every(({ run }) => run.recipe.names === 'show') ? 'show' : 'pseudonym';
  const { files } = runs[0];
  const known = files.has(pseudonymFile) ? files.readJson<Record<string, string>>(pseudonymFile) : {};
  const cases = entries.flatMap(({ scores }) => scores);
  return renamed(entries, namingOf(choice, cases, known));
}
