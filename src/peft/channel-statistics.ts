/**
 * What images look like to a network: the mean and the variance of every channel that its batch normalisations see. They
 * are what AdaBN puts in the place of the source's, and tell one domain from another (Li et al. 2016, arXiv 1603.04779).
 */
import { z } from 'zod';
import type { Pausing } from '../core/index.js';
import { copyInto, copyState, disposeState, type Module, pick, type State } from '../nn/index.js';
import { recomputeStatistics, type WeightedBatch } from './adabn.js';

/** By the paths of the layers. */
export const channelStatisticsSchema = z.record(
  z.string(),
  z.strictObject({ mean: z.array(z.number()).min(1), variance: z.array(z.number().min(0)) }),
);
export type ChannelStatistics = z.infer<typeof channelStatisticsSchema>;

const [meanOf, varianceOf] = [(path: string) => `${path}.running_mean`, (path: string) => `${path}.running_var`];

/** Those that a state holds: a network's, or an adapter's. @param paths of the layers; one that it lacks is left out */
export function heldStatistics(state: State, paths: readonly string[]): ChannelStatistics {
  const valuesOf = (name: string) => Array.from(state.get(name)!.toArray<'float32'>(), (x) => Number(x.toPrecision(6)));
  const held = paths.filter((path) => state.has(meanOf(path)) && state.has(varianceOf(path)));
  return Object.fromEntries(
    held.map((path) => [path, { mean: valuesOf(meanOf(path)), variance: valuesOf(varianceOf(path)) }]),
  );
}

/**
 * The statistics of images, as `recomputeStatistics` finds them. The network is left as it was.
 *
 * @param paths of the layers that are asked for @param forward runs the network on a batch, at least as far as they lie
 * @param batches float32 [B, channels, H, W] and their weights
 */
export function* measureStatistics(
  network: Module,
  paths: readonly string[],
  forward: (images: WeightedBatch['images']) => unknown,
  batches: Iterable<WeightedBatch>,
): Pausing<ChannelStatistics> {
  if (paths.length === 0) return {};
  const state = pick(network.buffers(), (name) => /\.running_(mean|var)$/.test(name));
  const before = copyState(state);
  try {
    yield* recomputeStatistics(network, forward, batches);
    return heldStatistics(state, paths);
  } finally {
    copyInto(state, before);
    disposeState(before);
  }
}

/** In the variance, as batch normalisation has it: a channel that is always zero has none. */
const EPS = 1e-5;

/**
 * How far two domains lie apart: the root of the symmetric Kullback-Leibler divergence of channels taken as Gaussians,
 * averaged over the channels of a layer, and over the layers. Where variances are equal it is the distance of the means in
 * standard deviations; the root keeps a few channels from outweighing all others.
 *
 * @returns undefined where the two are not of the same layers and channels
 */
export function statisticsDistance(a: ChannelStatistics, b: ChannelStatistics): number | undefined {
  const layers = Object.entries(a);
  if (layers.length === 0 || Object.keys(b).length !== layers.length) return undefined;
  let sum = 0;
  for (const [path, one] of layers) {
    const other = b[path];
    const size = one.mean.length;
    if ([one.variance, other?.mean, other?.variance].some((values) => values?.length !== size)) return undefined;
    for (let c = 0; c < size; c++) {
      const [v, w] = [one.variance[c] + EPS, other.variance[c] + EPS];
      const apart = (one.mean[c] - other.mean[c]) ** 2;
      sum += Math.sqrt(Math.max(0, ((v + apart) / w + (w + apart) / v) / 2 - 1)) / size;
    }
  }
  return sum / layers.length;
}
