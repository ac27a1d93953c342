/**
 * Wilcoxon's signed-rank test: is one of two methods better on the same cases? (Wilcoxon, "Individual comparisons by
 * ranking methods", Biometrics Bulletin 1, 1945; zeros also after Pratt, J. Am. Stat. Assoc. 54, 1959.)
 *
 * Up to 50 differences the p-value is exact, also where differences tie: the distribution of the sum of ranks over all
 * choices of signs is counted, given the ranks as they are. SciPy turns to the normal approximation where there are ties,
 * so its p-value is another there. Above 50 the normal approximation is taken, with the variance corrected for ties and
 * without correction for continuity, as SciPy does.
 */
import { metricError } from '../errors.js';
import { normalCdf } from './normal.js';

export interface WilcoxonOptions {
  /** What `x` is suspected to be; `greater` and `less` ask for one side. */
  alternative?: 'two-sided' | 'greater' | 'less';
  /** Differences of zero: dropped before ranks are given (`wilcox`) or after (`pratt`). */
  zeros?: 'wilcox' | 'pratt';
}

export interface WilcoxonTest {
  /** The sum of the ranks of positive differences, often W+ or V. */
  positive: number;
  /** The sum of the ranks of negative differences. SciPy's two-sided statistic is the lesser of the two sums. */
  negative: number;
  /** Differences that are not zero. */
  count: number;
  p: number;
  exact: boolean;
}

const mostExact = 50;

/**
 * Tests whether paired values differ. Infinity, as a distance to an empty mask, is greater than every number and equal to
 * itself.
 *
 * @param x one value for each case
 * @param y the other method's values of the same cases
 * @returns p = 1 where no pair differs
 * @throws GraftError SAMPLES_UNPAIRED
 */
export function wilcoxon(
  x: readonly number[],
  y: readonly number[],
  { alternative = 'two-sided', zeros = 'wilcox' }: WilcoxonOptions = {},
): WilcoxonTest {
  if (x.length !== y.length || [...x, ...y].some(Number.isNaN))
    throw metricError('SAMPLES_UNPAIRED', { first: x.length, second: y.length });
  const all = differencesOf(x, y);
  const ranked = zeros === 'wilcox' ? all.filter((value) => value !== 0) : all;
  const ranks = midranks(ranked.map(Math.abs));
  const signed = ranks.map((rank, i) => rank * Math.sign(ranked[i])).filter((rank) => rank !== 0);
  const sum = (sign: number) => signed.reduce((total, rank) => total + Math.max(0, sign * rank), 0);
  const [positive, negative] = [sum(1), sum(-1)];
  const exact = signed.length <= mostExact;
  const chance = (exact ? countedChance : normalChance)(signed.map(Math.abs));
  // By symmetry the chance of at least W+ is that of at most W-.
  const [greater, less] = [chance(negative), chance(positive)];
  const p = { greater, less, 'two-sided': Math.min(1, 2 * Math.min(greater, less)) }[alternative];
  return { positive, negative, count: signed.length, p, exact };
}

/** Rounded to twelve digits below the greatest, so that differences that are equal in decimals are equal. */
function differencesOf(x: readonly number[], y: readonly number[]): number[] {
  const differences = x.map((value, i) => (value === y[i] ? 0 : value - y[i]));
  const greatest = Math.max(...differences.map(Math.abs).filter(Number.isFinite), 0);
  const unit = greatest === 0 ? 1 : 10 ** (Math.floor(Math.log10(greatest)) - 12);
  return differences.map((value) => (Number.isFinite(value) ? Math.round(value / unit) : value));
}

/** Ranks from 1; equal values share the mean of their places. */
function midranks(values: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort();
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1);
}

/** The chance of a sum of at most `bound` where every rank is in it or not with equal chance: all choices, counted. */
function countedChance(ranks: readonly number[]): (bound: number) => number {
  // Midranks are halves, so twice the sum is whole.
  const chances = new Float64Array(ranks.reduce((sum, rank) => sum + 2 * rank, 0) + 1);
  chances[0] = 1;
  let greatest = 0;
  for (const rank of ranks) {
    greatest += 2 * rank;
    for (let sum = greatest; sum >= 0; sum--)
      chances[sum] = (chances[sum] + (sum >= 2 * rank ? chances[sum - 2 * rank] : 0)) / 2;
  }
  return (bound) => chances.subarray(0, 2 * bound + 1).reduce((total, chance) => total + chance, 0);
}

function normalChance(ranks: readonly number[]): (bound: number) => number {
  const [mean, variance] = ranks.reduce(([m, v], rank) => [m + rank / 2, v + rank ** 2 / 4], [0, 0]);
  return (bound) => normalCdf((bound - mean) / Math.sqrt(variance));
}
