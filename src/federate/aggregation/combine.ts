/**
 * One tensor from those of the sites: the weighted mean (FedAvg; McMahan et al. 2017, arXiv 1602.05629), or coordinate by
 * coordinate the median or the trimmed mean (Yin et al. 2018, arXiv 1803.01498), which a minority of wrong sites cannot
 * move far and which know no weights. Sums run in the order of the sites and in float64.
 *
 * The mean holds one site's tensor at a time, the others as many coordinates of that tensor of all sites as fit into four
 * megabytes: with more sites they read it more often, so their time grows with the square of the sites.
 */
import { elementCount } from '../../formats/index.js';
import { operator, scope, stack, type Tensor, zeros } from '../../torch/index.js';

/**
 * @param read the tensor of a site by its place, float32, all of one shape; called when it is needed, and perhaps more than
 * once
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
const BLOCK = 128;

/** Numbers of all sites that are in memory at once; where a tensor has more it is read again for the next. */
const HELD = 2 ** 20;

/** The mean of what is left when `cut` values are dropped at either end. */
const trimmed = (read: (site: number) => Tensor, count: number, cut: number): Tensor =>
  scope(() => {
    const shape = scope(() => read(0).shape);
    const result = zeros([elementCount(shape)]);
    const length = BLOCK * Math.max(1, Math.floor(HELD / (count * BLOCK)));
    for (const [start, size] of pieces(result.size, length))
      scope(() => {
        const part = (k: number) => scope(() => read(k).reshape(-1).narrow(0, start, size).clone());
        const lines = Array.from({ length: count }, (_, k) => part(k)); // [size] each
        for (const [at, width] of pieces(size, BLOCK))
          scope(() => {
            const [sorted] = sort(stack(lines.map((line) => line.narrow(0, at, width))).to('float64'), 0, false); // [K, width]
            result.narrow(0, start + at, width).copy_(sorted.narrow(0, cut, count - 2 * cut).mean([0]));
          });
      });
    return result.reshape(...shape);
  });

/** Where each piece of so many begins and how long it is. */
function* pieces(size: number, length: number): Generator<[start: number, length: number]> {
  for (let at = 0; at < size; at += length) yield [at, Math.min(length, size - at)];
}

/** Of an even number of values the mean of the middle two. */
export const median: Combine = (read, weights) => trimmed(read, weights.length, Math.floor((weights.length - 1) / 2));

/** @param trim share of the values, below 1/2, dropped at either end */
export const trimmedMean =
  (trim: number): Combine =>
  (read, weights) =>
    trimmed(read, weights.length, Math.floor(trim * weights.length));
