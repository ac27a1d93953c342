/** The cases of a page: every case under every model that is compared. */
import { type ComparisonEntry, caseTable, type MeasureName } from '../../compare/index.js';
import type { PageCases } from '../../report/index.js';

/**
 * @param entries with cases named as they are told
 * @param main the model that the page is about, where it was scored
 * @param baseline what it is compared with
 */
export const casesOf = (
  entries: readonly ComparisonEntry[],
  measure: MeasureName,
  { main, baseline, labelOf }: { main: string; baseline: string | undefined; labelOf(entry: string): string },
): PageCases | undefined => {
  if (entries.length === 0) return undefined;
  const has = (name: string | undefined) => entries.some((entry) => entry.name === name);
  const shown = has(main) ? main : entries.at(-1)!.name;
  return {
    ...caseTable(entries, measure),
    models: entries.map(({ name }) => ({ name, label: labelOf(name) })),
    main: shown,
    baseline: baseline !== undefined && has(baseline) ? baseline : entries[0].name,
  };
};
