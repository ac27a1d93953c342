/**
 * How much of the gap between the source model and an oracle, which was trained on the targets' own labels, a method closes:
 * (method - source) / (oracle - source), of means over the patients that all three scored.
 *
 * A share of what may be noise says nothing: there is none unless the oracle is better than the source by more than twice
 * the standard error of their paired difference, which takes two patients.
 */
import { meanOf, standardDeviation } from '../metrics/index.js';
import { type ComparisonEntry, caseOf, type Selection, valuesByUnit } from './entry.js';
import { type MeasureName, measures } from './measures.js';

/** @returns 0: as the source, 1: as the oracle; undefined where there is no gap to speak of, and for the two themselves */
export function gapClosed(
  entry: ComparisonEntry,
  entries: readonly ComparisonEntry[],
  measure: MeasureName,
  selection: Selection = {},
): number | undefined {
  if (entry.role) return undefined;
  const [source, oracle] = (['source', 'oracle'] as const).map((role) =>
    entries.find((one) => one.role === role && one.run === entry.run),
  );
  if (!source || !oracle) return undefined;
  const all = [entry, source, oracle];
  const scored = all.map(({ scores }) => new Set(scores.map(caseOf)));
  const [mine, low, high] = all.map(({ scores }) =>
    valuesByUnit(
      scores.filter((score) => scored.every((names) => names.has(caseOf(score)))),
      measure,
      selection,
    ),
  );
  const sign = measures[measure].better === 'higher' ? 1 : -1;
  const above = (values: ReadonlyMap<string, number>) =>
    [...low].map(([unit, value]) => sign * (values.get(unit)! - value));
  const gaps = above(high);
  const gap = meanOf(gaps);
  if (!(gap > (2 * standardDeviation(gaps)) / Math.sqrt(gaps.length))) return undefined;
  const share = meanOf(above(mine)) / gap;
  return Number.isFinite(share) ? share : undefined;
}
