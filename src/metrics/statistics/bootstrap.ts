/**
 * Bootstrap intervals: what a statistic would be over samples like this one (Efron & Tibshirani, "An Introduction to the
 * Bootstrap", 1993, chapter 14).
 *
 * The interval is bias-corrected and accelerated (BCa), not the plain percentile one: scores of segmentations crowd below
 * their maximum with a tail of failures, and BCa moves the interval's ends for that skew. It draws from the sample as it
 * is: of few values every bootstrap interval is too narrow, and of fewer than six there is none. Even the whole range of
 * five values holds the median of what they were drawn from in 94 % of all samples only (1 - 2^-4).
 */
import { random } from '../../core/index.js';
import { normalCdf, normalQuantile } from './normal.js';
import { meanOf, quantileOfSorted } from './sample.js';

export type Interval = [low: number, high: number];

export interface BootstrapOptions {
  /** Of the sample; default: the mean. */
  statistic?: (sample: readonly number[]) => number;
  /** The share of the distribution inside the interval. */
  level?: number;
  resamples?: number;
  /** The same seed gives the same interval. */
  seed?: number;
}

/** The fewest values that an interval is given for. */
const fewest = 6;

/**
 * The bootstrap interval of a statistic, bias-corrected and accelerated (Efron 1987, BCa).
 *
 * @param values finite numbers, one for each independent unit
 * @param options statistic: default the mean; level: default 0.95; resamples; seed: the same gives the same interval
 * @returns [low, high]; undefined for fewer than six values
 */
export function bootstrapInterval(
  values: readonly number[],
  { statistic = meanOf, level = 0.95, resamples = 5000, seed = 0 }: BootstrapOptions = {},
): Interval | undefined {
  const n = values.length;
  if (n < fewest) return undefined;
  const { integer } = random(seed, 'bootstrap', n);
  const sample = [...values];
  const drawn = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    for (let i = 0; i < n; i++) sample[i] = values[integer(n)];
    drawn[b] = statistic(sample);
  }
  drawn.sort();
  const found = statistic(values);
  if (drawn[0] === drawn[resamples - 1]) return [found, found];
  const bias = normalQuantile(shareBelow(drawn, found));
  const acceleration = accelerationOf(values, statistic);
  const end = (share: number) => {
    const shifted = bias + normalQuantile(share);
    return quantileOfSorted(drawn, normalCdf(bias + shifted / (1 - acceleration * shifted)));
  };
  return [end((1 - level) / 2), end((1 + level) / 2)];
}

/** Values that equal the bound, but for rounding, count half; never none or all, whose quantile would be infinite. */
function shareBelow(values: Float64Array, bound: number): number {
  const slack = 1e-12 * Math.abs(bound);
  const count = values.reduce(
    (sum, value) => sum + (Math.abs(value - bound) <= slack ? 0.5 : value < bound ? 1 : 0),
    0,
  );
  return Math.min(values.length - 0.5, Math.max(0.5, count)) / values.length;
}

/** How fast the statistic's deviation changes with its value, by leaving out one value after another. */
function accelerationOf(values: readonly number[], statistic: (sample: readonly number[]) => number): number {
  const without = values.map((_, i) => statistic(values.toSpliced(i, 1)));
  const centre = meanOf(without);
  const moment = (power: number) => without.reduce((sum, value) => sum + (centre - value) ** power, 0);
  const spread = moment(2) ** 1.5;
  return spread === 0 ? 0 : moment(3) / (6 * spread);
}
