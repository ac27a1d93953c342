/** Comparisons as they may be handed on: what cases are called in reports, pages and tables for a paper. */
import { type Comparison, type ComparisonEntry, compareMethods, type MeasureName } from '../../compare/index.js';
import type { RunFolder } from '../folder.js';
import { type NamesChoice, type Naming, namingOf, pseudonymFile } from '../names.js';
import type { ModelScores } from './scores.js';

/**
 * What a run's report shows: the measure against one of its methods, where there are others.
 *
 * @param baselines the first of them that was scored is it; without any the first method
 */
export function comparisonOf(
  entries: readonly ComparisonEntry[],
  measure: MeasureName,
  baselines: readonly string[],
): Comparison | undefined {
  const baseline = baselines.find((name) => entries.some((entry) => entry.name === name));
  return entries.length > 1
    ? compareMethods(entries, { measure, ...(baseline !== undefined && { baseline }) })
    : undefined;
}

/** The entries with cases named as they are told. */
export const renamed = (entries: readonly ComparisonEntry[], naming: Naming): ComparisonEntry[] =>
  entries.map((entry) => ({
    ...entry,
    // Whose a case is has been read from its name by now, or is the case itself.
    scores: entry.scores.map((score) => ({ ...score, name: naming.of(score) })),
  }));

/**
 * What the cases of a run are called in all that may be handed on; pseudonyms are kept in its folder.
 * @throws GraftError WRITE_FAILED
 */
export function namingOfRun(folder: RunFolder, choice: NamesChoice, models: readonly ModelScores[]): Naming {
  const cases = models.flatMap((one) => one.cases);
  const known = folder.has(pseudonymFile) ? folder.readJson<Record<string, string>>(pseudonymFile) : {};
  const naming = namingOf(choice, cases, known);
  if (choice === 'pseudonym') folder.writeJson(known, pseudonymFile);
  return naming;
}
