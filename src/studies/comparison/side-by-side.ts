/** The page of several methods, of one run or of several, side by side. */
import { type Comparison, type ComparisonEntry, compareMethods, type MeasureName } from '../../compare/index.js';
import type { PageData } from '../../report/index.js';
import { casesOf } from './cases.js';
import { entriesOfRuns, forSharing, namesOfRuns } from './runs.js';

/** @param measure that stands first @throws GraftError as `entriesOfRuns` and `compareMethods` */
export function sideBySidePage(folders: readonly string[], measure: MeasureName): PageData {
  const entries = forSharing(entriesOfRuns(folders), folders);
  return comparisonPage(entries, [compareMethods(entries, { measure })], namesOfRuns(folders));
}

/**
 * @param entries with cases named as they are told
 * @param comparisons of them all, by a measure each; the first stands first
 * @param names of the runs
 */
export function comparisonPage(
  entries: readonly ComparisonEntry[],
  [comparison, ...further]: readonly Comparison[],
  names: readonly string[],
): PageData {
  const { baseline, measure } = comparison;
  const cases = casesOf(entries, measure, { main: entries.at(-1)!.name, baseline, labelOf: (name) => name });
  return {
    title: names.length > 1 ? 'Runs side by side' : 'Methods side by side',
    description: `${names.join(', ')}; against ${baseline}.`,
    notes: [],
    ...(cases && { cases }),
    comparison,
    ...(further.length > 0 && { further }),
  };
}
