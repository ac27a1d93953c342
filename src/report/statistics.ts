/** Means and deviations over seeds, and over targets. */
import { meanOf, standardDeviation } from '../metrics/index.js';
import type { ReportScore, ReportScores } from './data.js';
import { fixed } from './format.js';

/** One of a score's measures: its values over seeds. */
export type Values = (score: ReportScore) => number[] | undefined;

/** The sample standard deviation (n - 1); undefined for fewer than two values or where one is not finite. */
export function deviation(values: number[]): number | undefined {
  return values.length < 2 || !values.every(Number.isFinite) ? undefined : standardDeviation(values);
}

/** '0.912 ± 0.004', without the deviation where there is none. */
export function meanAndDeviation(values: number[], digits: number): string {
  const spread = deviation(values);
  return fixed(meanOf(values), digits) + (spread === undefined ? '' : ` ± ${fixed(spread, digits)}`);
}

/** The cell of a target and method, if it was computed. */
export const scoreOf = (data: ReportScores, target: string, method: string): ReportScore | undefined =>
  data.scores.find((score) => score.target === target && score.method === method);

/**
 * For each seed the mean over targets, so that a deviation over seeds can be taken; a single mean where targets differ
 * in their seeds. Undefined unless every target has a value: means over different targets cannot be compared.
 */
export function overTargets(data: ReportScores, method: string, values: Values): number[] | undefined {
  const rows: number[][] = [];
  for (const target of data.targets) {
    const score = scoreOf(data, target, method);
    const row = score && values(score);
    if (!row?.length) return undefined;
    rows.push(row);
  }
  const first = rows[0];
  if (first === undefined) return undefined;
  if (rows.some((row) => row.length !== first.length)) return [meanOf(rows.map(meanOf))];
  return first.map((_, seed) => meanOf(rows.map((row) => row[seed]!)));
}
