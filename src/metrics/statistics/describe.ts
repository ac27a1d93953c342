/**
 * What a table says about a sample: mean, standard deviation, quantiles, and an interval for the mean.
 *
 * A value may be Infinity: a distance where one of the masks is empty. Such a value counts as the worst in whatever goes
 * by order (quantiles, Wilcoxon's test); a mean of it would be Infinity too, so means leave it out and say how many
 * there were.
 */
import { bootstrapInterval, type Interval } from './bootstrap.js';
import { meanOf, median, quantile, standardDeviation } from './sample.js';

export interface Description {
  /** All values. */
  count: number;
  /** How many of them are infinite, and so not in `mean`, `sd` and `interval`. */
  infinite: number;
  mean: number;
  /** NaN of fewer than two values. */
  sd: number;
  /** 95 % bootstrap interval of the mean; undefined of fewer than six values. */
  interval: Interval | undefined;
  /** Of all values, the infinite ones too. */
  median: number;
  quartiles: [lower: number, upper: number];
}

/**
 * Mean, standard deviation, median and the bootstrap interval of the mean.
 *
 * @param values numbers; NaN is not allowed
 * @param options.seed of the bootstrap; the same gives the same interval
 */
export function describeValues(values: readonly number[], { seed = 0 } = {}): Description {
  const finite = values.filter(Number.isFinite);
  return {
    count: values.length,
    infinite: values.length - finite.length,
    mean: meanOf(finite),
    sd: standardDeviation(finite),
    interval: bootstrapInterval(finite, { seed }),
    median: median(values),
    quartiles: [quantile(values, 0.25), quantile(values, 0.75)],
  };
}
