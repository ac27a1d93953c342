/**
 * Segmenting a volume without prompts: the same preparation as in training, masks on the volume's own grid.
 *
 * Every slice is predicted once, in windows that follow one another. With `overlap` every slice is predicted by each
 * window that holds it and the probabilities are averaged, as FLAP-SAM's evaluation does; where intensities are scaled
 * by volume and no adapter looks across slices this is the same prediction, `slices` times.
 */
import { type Pausing, pause, runWithoutPauses } from '../core/index.js';
import {
  asImages,
  batchOf,
  type Case,
  postprocess,
  preparationOf,
  RestoredLabels,
  type SlicePreparation,
  type SliceSource,
  sourceOfVolume,
  takeWindows,
  type Volume,
  viewsOf,
  windowStarts,
} from '../data/index.js';
import type { EarlyHead } from '../networks/index.js';
import { cat, keepFreedMemory, noGrad, operator, scope, type Tensor, tensor, zeros } from '../torch/index.js';
import { probabilitiesOf } from './loss.js';
import type { Segmenter } from './segmenter.js';
import type { Sureness } from './sureness.js';

export interface PredictionOptions {
  /** Every window that holds a slice has a say; default: each slice is predicted once. */
  overlap?: boolean;
  /** Slices in a batch at most, rounded to whole windows; fewer where they are large. */
  batch?: number;
  /** An early head that is asked, too. */
  head?: EarlyHead | undefined;
}

/** Slices that are done; for the caller to dispose. */
export interface PredictedSlices {
  /** Which slice is the first of these. */
  start: number;
  /** float32 [b, C, h, w], probabilities of the network's maps */
  probabilities: Tensor;
  /** Likewise, of the early head that was asked. */
  early?: Tensor;
}

const indexAdd = operator('aten::index_add_') as (target: Tensor, dim: number, index: Tensor, source: Tensor) => Tensor;

/** Predicts the slices of a case in their order, a batch of windows at a time. */
export function* predictSlices(
  model: Segmenter,
  slices: SliceSource,
  { overlap = false, batch = 16, head }: PredictionOptions = {},
): Generator<PredictedSlices> {
  const { windows } = model;
  const [n] = slices.shape;
  const starts = windowStarts(n, windows, overlap);
  const step = Math.max(1, Math.floor(batchOf(slices.shape, batch) / windows.slices));
  const sums = new Sums(model, slices, head);
  using _ = keepFreedMemory();
  try {
    for (let from = 0; from < starts.length; from += step) {
      sums.add(starts.slice(from, from + step));
      // What comes before the next window is not seen again.
      const next = starts[from + step] ?? n;
      if (next > sums.start) yield sums.take(next);
    }
  } finally {
    sums[Symbol.dispose]();
  }
}

/** Sums of the probabilities of slices that some, but perhaps not all, of their windows were predicted for. */
class Sums implements Disposable {
  readonly #model: Segmenter;
  readonly #slices: SliceSource;
  readonly #head: EarlyHead | undefined;
  /** The first slice that is not done. */
  start = 0;
  /** float32 [b, C, h, w]; with an early head 2 C maps, its own behind the network's */
  #sum: Tensor | undefined;
  #votes: number[] = [];

  constructor(model: Segmenter, slices: SliceSource, head: EarlyHead | undefined) {
    this.#model = model;
    this.#slices = slices;
    this.#head = head;
  }

  /** Predicts windows that follow one another. @param starts of the windows, as `windowStarts` gives them */
  add(starts: readonly number[]): void {
    const { network, windows, device } = this.#model;
    const [n, h, w] = this.#slices.shape;
    const [first, end] = [Math.max(0, starts[0]), Math.min(n, starts.at(-1)! + windows.slices)];
    const sum = scope(() =>
      noGrad(() => {
        const images = this.#slices.take(first, end - first);
        const local = starts.map((start) => start - first);
        const seen = asImages(takeWindows({ images }, local, windows).to({ device }), network.input.channels);
        const maps = this.#predict(seen);
        // Which slice of the volume each row is; repeated edge slices have no say.
        const places = starts.flatMap((start) => Array.from({ length: windows.slices }, (_, i) => start + i));
        const rows = places.flatMap((slice, row) => (slice >= 0 && slice < n ? [row] : []));
        const index = (values: number[]) => tensor(values, [values.length], { dtype: 'int64', device });
        const kept = maps.indexSelect(0, index(rows));
        const more = zeros([end - this.start - this.#votes.length, maps.shape[1], h, w], { device });
        const grown = this.#sum ? cat([this.#sum, more]) : more;
        for (let slice = this.start + this.#votes.length; slice < end; slice++) this.#votes.push(0);
        for (const row of rows) this.#votes[places[row] - this.start]++;
        return indexAdd(grown, 0, index(rows.map((row) => places[row] - this.start)), kept);
      }),
    ).keep();
    this.#sum?.dispose();
    this.#sum = sum;
  }

  /** @param images float32 [B, channels, h, w] */
  #predict(images: Tensor): Tensor {
    const { network } = this.#model;
    const head = this.#head;
    if (network.predict && !head) return network.predict(images);
    const features = network.encode(images);
    const maps = network.predict?.(images) ?? probabilitiesOf(network, network.logits(features));
    return head ? cat([maps, probabilitiesOf(network, head.read(features))], 1) : maps;
  }

  /** The slices before `end`, which are done. */
  take(end: number): PredictedSlices {
    const start = this.start;
    const count = end - start;
    const left = this.#votes.length - count;
    const votes = this.#votes.splice(0, count);
    const { maps, device } = this.#model;
    const { rest, ...done } = scope(() => {
      const mean = this.#sum!.narrow(0, 0, count).div(tensor(votes, [count, 1, 1, 1], { device }));
      return {
        probabilities: this.#head ? mean.narrow(1, 0, maps) : mean,
        ...(this.#head && { early: mean.narrow(1, maps, maps) }),
        ...(left > 0 && { rest: this.#sum!.narrow(0, count, left).clone() }),
      };
    });
    this.#sum!.dispose();
    this.#sum = rest?.keep();
    this.start += count;
    return { start, ...done };
  }

  [Symbol.dispose](): void {
    this.#sum?.dispose();
  }
}

export interface VolumeOptions extends Omit<PredictionOptions, 'head'> {
  /** The case that the volume is of, where its data set may fix a part of the preprocessing. */
  case?: Pick<Case, 'preprocessing'>;
  /** Takes in how sure the model is; its deepest early head is asked, too, then. */
  sureness?: Sureness;
}

/**
 * Segments a volume with the model and the adapter in use: at each voxel the class with the largest probability, or the
 * background (see `SegmentationNetwork.background`). A batch of slices at a time is prepared, predicted and brought to the
 * grid; beside the volume and its labels no more than that is held. A model of all planes predicts each, and probabilities
 * are averaged on the grid before labels are made of them; they are held, too, then. The
 * model's postprocessing comes last.
 *
 * @returns uint8 [z, y, x] labels on the volume's RAS grid (`writeMask` brings them to the file's own)
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function* segmentVolumeWithPauses(
  model: Segmenter,
  volume: Volume,
  { case: one = {}, sureness, ...options }: VolumeOptions = {},
): Pausing<Uint8Array> {
  const views: SlicePreparation[] = [];
  for (const view of viewsOf(one, model.preprocessing)) views.push(yield* preparationOf(volume, view));
  const { background } = model.network;
  const geometries = views.map(({ geometry }) => geometry);
  const restored = new RestoredLabels(geometries, { channels: model.maps, background });
  const head = sureness && deepestHead(model);
  for (const [plane, view] of views.entries()) {
    const [, h, w] = view.geometry.shape;
    for (const predicted of predictSlices(model, sourceOfVolume(view), { ...options, head })) {
      const [values, early] = [predicted.probabilities, predicted.early].map((one) => one?.toArray<'float32'>());
      predicted.probabilities.dispose();
      predicted.early?.dispose();
      restored.add(values!, predicted.start, plane);
      sureness?.add(values!, h * w, early);
      yield pause;
    }
  }
  const { labels } = restored;
  const { postprocessing } = model.preparation;
  if (postprocessing) yield* postprocess(labels, volume.shape, postprocessing);
  return labels;
}

/**
 * Segments a volume with the model and the adapter in use. It blocks the thread until it is done;
 * `segmentVolumeWithPauses` is the same as work that can be interrupted.
 *
 * @param volume float32 [z, y, x] in RAS, as `readVolume` gives it
 * @returns uint8 [z, y, x] labels on the volume's RAS grid; `writeMask` brings them to the grid of the file
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export const segmentVolume = (model: Segmenter, volume: Volume, options: VolumeOptions = {}): Uint8Array =>
  runWithoutPauses(segmentVolumeWithPauses(model, volume, options));

/** The early head that reads most of the network; undefined where the model has none. */
export const deepestHead = ({ heads }: Segmenter): EarlyHead | undefined => heads.get(Math.max(...heads.keys()));
