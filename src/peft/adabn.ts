/**
 * Adaptive batch normalisation (Li et al., 2016): the statistics that normalise a network's features come from the
 * target domain instead of the source. How they come about is an explicit policy:
 *
 * - `frozen`: the source's statistics stay;
 * - `ema`: training normalises by each batch and moves the running statistics (the ConvLoRA reference code);
 * - `recompute`: before training, cumulative averages over the target set; they are frozen from then on;
 * - `interpolate`: as `recompute`, but half of what the source's statistics were stays (Schneider et al. 2020, arXiv
 *   2006.16971): safer where the target's few images, or what they show, differ in more than their look.
 */
import { z } from 'zod';
import { type Pausing, pause } from '../core/index.js';
import { BatchNorm2d, copyState, disposeState, type Module } from '../nn/index.js';
import { noGrad, operator, scope, type Tensor } from '../torch/index.js';

export const statisticsPolicies = ['frozen', 'ema', 'recompute', 'interpolate'] as const;
export const statisticsSchema = z.enum(statisticsPolicies);
export type StatisticsPolicy = z.infer<typeof statisticsSchema>;

/** The target's share of the statistics, for the policies that compute them before training. */
export const shareOfTarget: Readonly<Partial<Record<StatisticsPolicy, number>>> = { recompute: 1, interpolate: 0.5 };

const lerp = operator('aten::lerp_.Scalar') as (target: Tensor, end: Tensor, weight: number) => Tensor;

/** Every batch normalisation of a network with its path. */
export const batchNorms = (network: Module): [path: string, layer: BatchNorm2d][] =>
  [...network.modules()].filter((entry): entry is [string, BatchNorm2d] => entry[1] instanceof BatchNorm2d);

/** Whether batch normalisation uses (and moves towards) the batch's statistics: true while training under `ema`. */
export function setBatchStatistics(network: Module, on: boolean, momentum = 0.1): void {
  for (const [, layer] of batchNorms(network)) {
    layer.training = on;
    layer.momentum = momentum;
  }
}

/** The items. While they are gone through, batch normalisation uses the batch's statistics, if it is on. */
export function* withBatchStatistics<T>(networks: readonly Module[], items: Iterable<T>, on = true): Generator<T> {
  for (const network of networks) setBatchStatistics(network, on);
  try {
    yield* items;
  } finally {
    for (const network of networks) setBatchStatistics(network, false);
  }
}

/** Images float32 [B, channels, H, W] and how much they count beside other batches: 1 where all are alike. */
export interface WeightedBatch {
  images: Tensor;
  weight: number;
}

/**
 * Replaces the running statistics of every batch normalisation by their weighted averages over batches of the target
 * set (AdaBN, Li et al. 2016, arXiv 1603.04779). A pause follows each batch.
 *
 * @param forward runs the network on a batch; every layer normalises by the batch's own statistics meanwhile
 * @param batches images float32 [B, channels, H, W] and their weights, as often as there are passes over the set
 * @param share of the new statistics; the rest is what the network had
 */
export function* recomputeStatistics(
  network: Module,
  forward: (images: Tensor) => unknown,
  batches: Iterable<WeightedBatch>,
  share = 1,
): Pausing<void> {
  const layers = batchNorms(network).map(([, layer]) => layer);
  const before = share < 1 ? layers.map((layer) => copyState(layer.buffers())) : [];
  const momenta = layers.map(({ momentum }) => momentum);
  let total = 0;
  try {
    for (const { images, weight } of batches) {
      total += weight;
      for (const layer of layers) {
        layer.training = true;
        // The new batch's share and the rest of the old average: the mean over all batches; the first replaces.
        layer.momentum = weight / total;
      }
      scope(() => {
        noGrad(() => forward(images));
      });
      for (const layer of layers) layer.training = false;
      yield pause;
    }
    for (const [i, state] of before.entries())
      for (const [name, value] of layers[i].buffers()) lerp(value, state.get(name)!, 1 - share);
  } finally {
    for (const state of before) disposeState(state);
    layers.forEach((layer, i) => {
      layer.training = false;
      layer.momentum = momenta[i];
    });
  }
}
