/**
 * One tensor from those of the sites: the weighted mean (FedAvg; McMahan et al. 2017, arXiv 1602.05629), or coordinate by
 * coordinate the median or the trimmed mean (Yin et al. 2018, arXiv 1803.01498), which a minority of wrong sites cannot
 * move far and which know no weights. Sums run in the order of the sites and in float64.
 *
 * The mean holds one site's tensor at a time, the others hold that tensor of all sites, as float32.
 */
import { cat, operator, scope, stack, type Tensor } from '../../torch/index.js';

/**
 * @param read the tensor of a site by its place, float32, all of one shape; called once for each site, when it is needed
 * @param weights one for each site; their sum is 1
 * @returns float32
 */
export type Combine = (read: (site: number) => Tensor, weights: readonly number[]) => Tensor;

export const weightedMean: Combine = (read, weights) =>
  scope(() => {
    const sum = scope(() => read(0).to('float64').mul(weights[0]));
    for (let k = 1; k < weights.length; k++) scope(() => sum.add_(read(k).to('float64').mul(weights[k])));
    return sum.to('float32');
  });

const sort = operator('aten::sort') as (x: Tensor, dim: number, descending: boolean) => Tensor[];

/**
 * Coordinates that are sorted at once: sorting takes several times the memory of what it sorts. A multiple of any vector
 * width, so that the sums within a block are those of the whole.
 */
const BLOCK = 1024;

/** The mean of what is left when `cut` values are dropped at either end. */
const trimmed = (read: (site: number) => Tensor, count: number, cut: number): Tensor =>
  scope(() => {
    const values = Array.from({ length: count }, (_, k) => read(k));
    const { shape, size } = values[0];
    const lines = values.map((value) => value.reshape(-1)); // [n] each
    const blocks: Tensor[] = [];
    for (let start = 0; start < size; start += BLOCK) {
      const length = Math.min(BLOCK, size - start);
      const block = scope(() => {
        const [sorted] = sort(stack(lines.map((line) => line.narrow(0, start, length))).to('float64'), 0, false);
        return sorted // [K, length]
          .narrow(0, cut, count - 2 * cut)
          .mean([0])
          .to('float32');
      });
      blocks.push(block);
    }
    return cat(blocks).reshape(...shape);
  });

/** Of an even number of values the mean of the middle two. */
export const median: Combine = (read, weights) => trimmed(read, weights.length, Math.floor((weights.length - 1) / 2));

/** @param trim share of the values, below 1/2, dropped at either end */
export const trimmedMean =
  (trim: number): Combine =>
  (read, weights) =>
    trimmed(read, weights.length, Math.floor(trim * weights.length));
