/** The page of several runs side by side. */
import { compareMethods, type MeasureName } from '../../compare/index.js';
import type { PageData } from '../../report/index.js';
import { casesOf } from './cases.js';
import { entriesOfRuns, forSharing, namesOfRuns } from './runs.js';

/** @param measure that stands first @throws GraftError as `entriesOfRuns` and `compareMethods` */
export function sideBySidePage(folders: readonly string[], measure: MeasureName): PageData {
  const names = namesOfRuns(folders);
  const entries = forSharing(entriesOfRuns(folders), folders);
  const comparison = compareMethods(entries, { measure });
  const { baseline } = comparison;
  const cases = casesOf(entries, measure, { main: entries.at(-1)!.name, baseline, labelOf: (name) => name });
  return {
    title: 'Runs side by side',
    description: `${names.join(', ')}; against ${baseline}.`,
    notes: [],
    ...(cases && { cases }),
    comparison,
  };
}
