/**
 * What an adapter keeps of its target, so that a scan from there is known again: what the files say of scanner and modality,
 * and what the images look like to the base network's first layers.
 */
import { type Pausing, pause } from '../core/index.js';
import {
  batchOf,
  preparationOf,
  type ScanTags,
  type SliceSource,
  sourceOfVolume,
  type Volume,
  viewsOf,
} from '../data/index.js';
import { batchNorms, type ChannelStatistics, measureStatistics, type WeightedBatch } from '../peft/index.js';
import { cat, scope } from '../torch/index.js';
import type { Domain } from './adapter.js';
import type { Segmenter } from './segmenter.js';

/** Blocks of the encoder that are looked at: they see contrast and noise, those behind them rather the anatomy. */
const BLOCKS = 2;

/** The first batch normalisations of the model's encoder, by their paths; none where it has no such layers. */
export function firstNorms({ network, family }: Segmenter): string[] {
  const blocks = family.blocks.encoder.slice(0, BLOCKS);
  return batchNorms(network).flatMap(([path]) => (blocks.includes(path.split('.')[0]) ? [path] : []));
}

/** The statistics of images to the model as it is now. @param batches float32 [B, channels, H, W] and their weights */
const statisticsOf = (model: Segmenter, batches: Iterable<WeightedBatch>): Pausing<ChannelStatistics> =>
  measureStatistics(model.network, firstNorms(model), (images) => model.network.encode(images, BLOCKS), batches);

/** The domain of a target. @param tags of its cases @param batches of all of them */
export function* domainOf(
  model: Segmenter,
  tags: readonly ScanTags[],
  batches: Iterable<WeightedBatch>,
): Pausing<Domain> {
  const said = (key: keyof ScanTags) => [...new Set(tags.flatMap((one) => one[key] ?? []))].sort();
  return {
    ...{ modalities: said('modality'), scanners: said('scanner') },
    statistics: yield* statisticsOf(model, batches),
  };
}

/** Batches of a view at most: more slices change little. */
const MOST_BATCHES = 4;

/** The statistics of a volume to the model as it is now. @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE */
export function* statisticsOfVolume(model: Segmenter, volume: Volume): Pausing<ChannelStatistics> {
  const views: SliceSource[] = [];
  for (const view of viewsOf({}, model.preprocessing)) views.push(sourceOfVolume(yield* preparationOf(volume, view)));
  yield pause;
  return yield* statisticsOf(model, spread(views, model));
}

/** Batches of slices from all over the volume, as those of a training are. */
function* spread(views: readonly SliceSource[], { device }: Segmenter): Generator<WeightedBatch> {
  for (const { shape, take } of views) {
    const [n, h, w] = shape;
    const step = Math.ceil(n / batchOf(shape, 16));
    for (let first = 0; first < Math.min(step, MOST_BATCHES); first++) {
      const places = Array.from({ length: Math.ceil((n - first) / step) }, (_, i) => first + i * step);
      using images = scope(() => cat(places.map((place) => take(place, 1))).to({ device })); // [B, 1, h, w]
      yield { images, weight: places.length * h * w };
    }
  }
}
