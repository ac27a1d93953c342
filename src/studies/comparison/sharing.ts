/** Comparisons as they may be handed on: what cases are called in reports, pages and tables for a paper. */

import type { ComparisonEntry, MeasureName } from '../../compare/index.js';
import { type Comparison, compareMethods } from '../../compare/index.js';
import type { RunFiles, RunFolder } from '../folder.js';
import type { AnyRecipe } from '../kinds.js';
import { type Naming, namingOf, pseudonymFile } from '../names.js';
import { entriesOf, openRun, readScores } from './scores.js';

/**
 * What a run's report shows: the measure against one of its methods, where there are others.
 *
 * @param baselines the first of them that was scored is it; without any the first method
 */
export function comparisonOf(
  files: RunFiles,
  run: AnyRecipe,
  measure: MeasureName,
  baselines: readonly string[],
  naming: Naming,
): Comparison | undefined {
  const entries = renamed(entriesOf(files, run), naming);
  const baseline = baselines.find((name) => entries.some((entry) => entry.name === name));
  return entries.length > 1
    ? compareMethods(entries, { measure, ...(baseline !== undefined && { baseline }) })
    : undefined;
}

/** The entries with cases named as they are told. */
const renamed = (entries: readonly ComparisonEntry[], naming: Naming): ComparisonEntry[] =>
  entries.map((entry) => ({
    ...entry,
    // Whose a case is has been read from its name by now, or is the case itself.
    scores: entry.scores.map((score) => ({ ...score, name: naming.of(score) })),
  }));

/**
 * What the cases of a run are called in all that may be handed on; pseudonyms are kept in its folder.
 * @throws GraftError WRITE_FAILED
 */
export function namingOfRun(folder: RunFolder, run: AnyRecipe): Naming {
  const cases = readScores(folder, run).flatMap((one) => one.cases);
  const known = folder.has(pseudonymFile) ? folder.readJson<Record<string, string>>(pseudonymFile) : {};
  const naming = namingOf(run.recipe.names, cases, known);
  if (run.recipe.names === 'pseudonym') folder.writeJson(known, pseudonymFile);
  return naming;
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
