/** Every case under every method, for tables that are not about means. */
import { type ComparisonEntry, caseOf, valuesByUnit } from './entry.js';
import { type MeasureName, measureNames, measures, titleOf } from './measures.js';

export interface CaseTable {
  measures: { name: MeasureName; title: string; digits: number; better: 'higher' | 'lower' }[];
  /** By measure, then by entry, means over seeds and classes; null where the entry was not scored on the case. */
  rows: { site: string; name: string; values: (number | null)[][] }[];
}

/** @param first the measure that stands first */
export function caseTable(entries: readonly ComparisonEntry[], first: MeasureName): CaseTable {
  const names = [first, ...measureNames.filter((name) => name !== first)];
  const columns = names.map((measure) => entries.map(({ scores }) => valuesByUnit(scores, measure, {}, caseOf)));
  const cases = new Map(entries.flatMap(({ scores }) => scores.map((score) => [caseOf(score), score] as const)));
  return {
    measures: names.map((name) => {
      const { digits, better } = measures[name];
      return { name, title: titleOf(name, entries[0].toleranceMm), digits, better };
    }),
    rows: [...cases].map(([key, { site, name }]) => ({
      ...{ site, name },
      values: columns.map((byEntry) => byEntry.map((values) => rounded(values.get(key)))),
    })),
  };
}

/** To six digits, which no reader misses: there may be very many. */
const rounded = (value: number | undefined): number | null =>
  value === undefined ? null : Number(value.toPrecision(6));
