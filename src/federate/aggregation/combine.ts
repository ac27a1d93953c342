/**
 * One tensor from those of the sites: the weighted mean (FedAvg; McMahan et al. 2017, arXiv 1602.05629), or coordinate by
 * coordinate the median or the trimmed mean (Yin et al. 2018, arXiv 1803.01498), which a minority of wrong sites cannot
 * move far and which know no weights. Sums run in the order of the sites and in float64.
 */
import { operator, scope, stack, type Tensor } from '../../torch/index.js';

/** @param values float32, one from each site @param weights their sum is 1 @returns float32 */
export type Combine = (values: readonly Tensor[], weights: readonly number[]) => Tensor;

export const weightedMean: Combine = (values, weights) =>
  scope(() => {
    const sum = values[0].to('float64').mul(weights[0]);
    for (let k = 1; k < values.length; k++) sum.add_(values[k].to('float64').mul(weights[k]));
    return sum.to('float32');
  });

const sort = operator('aten::sort') as (x: Tensor, dim: number, descending: boolean) => Tensor[];

/** The mean of what is left when `cut` values are dropped at either end. */
const trimmed = (values: readonly Tensor[], cut: number): Tensor =>
  scope(() => {
    const [sorted] = sort(stack(values.map((value) => value.to('float64'))), 0, false); // [K, …]
    return sorted
      .narrow(0, cut, values.length - 2 * cut)
      .mean([0])
      .to('float32');
  });

/** Of an even number of values the mean of the middle two. */
export const median: Combine = (values) => trimmed(values, Math.floor((values.length - 1) / 2));

/** @param trim share of the values, below 1/2, dropped at either end */
export const trimmedMean =
  (trim: number): Combine =>
  (values) =>
    trimmed(values, Math.floor(trim * values.length));
