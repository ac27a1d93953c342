/**
 * What is compared: a method with all its scores, brought to one value for each patient.
 *
 * Statistics count what is independent. Scores of one case with several seeds are not, nor are several scans of one
 * patient or the classes of one image; they are averaged first. Counted one by one they would make every interval
 * narrower and every p-value smaller than the data allow.
 */

import type { CaseMeasures, CaseScore, ScoredExtent } from '../metrics/index.js';
import { meanOf } from '../metrics/index.js';
import { type MeasureName, measured } from './measures.js';

/** A method with the scores of all its cases. */
export interface ComparisonEntry {
  name: string;
  /** Of the surface Dice. */
  toleranceMm: number;
  classes: readonly string[];
  seeds: readonly number[];
  /** Of all seeds: a case is there once for each seed that scored it. */
  scores: readonly CaseScore[];
  /** The slices that were scored; absent: all. */
  scored?: ScoredExtent | undefined;
  /** The ends of the gap that methods close: the model as it came, and one that was trained on the targets' labels. */
  role?: 'source' | 'oracle' | undefined;
  /** Several runs are told apart by it. */
  run?: string;
}

/** Scores to look at; all where nothing is named. */
export interface Selection {
  site?: string;
  class?: string;
}

export const caseOf = ({ site, name }: CaseScore): string => `${site}/${name}`;

/** The patient, or the case where nothing says whose it is. */
export const unitOf = (score: CaseScore): string => score.patient ?? caseOf(score);

/** The mean of a patient's scores, by `unitOf`; Infinity where any of them is. */
export const valuesByUnit = (
  scores: readonly CaseScore[],
  measure: MeasureName,
  { site, class: only }: Selection = {},
  key = unitOf,
): Map<string, number> =>
  averaged(site === undefined ? scores : scores.filter((score) => score.site === site), measure, key, only);

/** Means over classes and over everything that has the same key. @param only one class instead of all */
export const averaged = <Score extends Pick<CaseScore, 'classes'>>(
  scores: readonly Score[],
  measure: MeasureName,
  key: (score: Score) => string,
  only?: string,
): Map<string, number> => averagedValues(scores, (one) => measured(one, measure), key, only);

function averagedValues<Score extends Pick<CaseScore, 'classes'>>(
  scores: readonly Score[],
  value: (one: CaseMeasures) => number,
  key: (score: Score) => string,
  only?: string,
): Map<string, number> {
  const values = new Map<string, number[]>();
  for (const score of scores) {
    const classes = only === undefined ? Object.values(score.classes) : [score.classes[only]];
    const mine = values.get(key(score)) ?? [];
    values.set(key(score), mine);
    mine.push(meanOf(classes.map(value)));
  }
  return new Map([...values].map(([unit, all]) => [unit, meanOf(all)]));
}

/**
 * The mean over patients of what not every case has: the boundary bias, which has no value where a mask is empty, or the
 * surface Dice on slices.
 *
 * @returns NaN where no case has it
 */
export function meanWhereMeasured(
  scores: readonly CaseScore[],
  measure: 'boundaryBias' | 'surfaceDiceOnSlices',
  { site, class: only }: Selection = {},
): number {
  const has = ({ classes }: CaseScore) =>
    (only === undefined ? Object.values(classes) : [classes[only]]).every((one) => typeof one[measure] === 'number');
  const those = scores.filter((score) => (site === undefined || score.site === site) && has(score));
  return meanOf([...averagedValues(those, (one) => one[measure]!, unitOf, only).values()]);
}

/** Cases that both scored, by `caseOf`, and those that only have the same name: their reference labels differ. */
export function commonCases(
  entry: ComparisonEntry,
  baseline: ComparisonEntry,
): { same: Set<string>; other: Set<string> } {
  const truth = ({ classes }: CaseScore) =>
    Object.values(classes)
      .map(({ truthMl }) => truthMl?.toPrecision(6))
      .join();
  const expected = new Map(baseline.scores.map((score) => [caseOf(score), truth(score)]));
  const common = entry.scores.filter((score) => expected.has(caseOf(score)));
  const other = new Set(common.filter((score) => expected.get(caseOf(score)) !== truth(score)).map(caseOf));
  return { same: new Set(common.map(caseOf).filter((one) => !other.has(one))), other };
}
