/**
 * Segmenting a volume without prompts: the same preparation as in training, masks on the volume's own grid.
 *
 * Every slice is predicted once, in windows that follow one another. With `overlap` every slice is predicted by each
 * window that holds it and the probabilities are averaged, as FLAP-SAM's evaluation does; where intensities are scaled
 * by volume and no adapter looks across slices this is the same prediction, `slices` times.
 */
import { type Pausing, pause, withoutPauses } from '../core/index.js';
import {
  asColour,
  batchOf,
  type Case,
  preparationOf,
  preprocessingOf,
  RestoredLabels,
  type SliceSource,
  sourceOfVolume,
  takeWindows,
  type Volume,
  windowStarts,
} from '../data/index.js';
import { cat, noGrad, operator, scope, softmax, type Tensor, tensor, zeros } from '../torch/index.js';
import type { SamSegmenter } from './segmenter.js';

export interface PredictionOptions {
  /** Every window that holds a slice has a say; default: each slice is predicted once. */
  overlap?: boolean;
  /** Slices in a batch at most, rounded to whole windows; fewer where they are large. */
  batch?: number;
  /** The case that the volume is of, where its data set may fix a part of the preprocessing. */
  case?: Pick<Case, 'preprocessing'>;
  /** Sees the probabilities of every batch, float32 [b, C, h, w]. */
  watch?: (probabilities: Float32Array) => void;
}

/** Slices that are done. */
export interface PredictedSlices {
  /** Which slice is the first of these. */
  start: number;
  /** float32 [b, C, h, w], probabilities of the classes, the background first; for the caller to dispose */
  probabilities: Tensor;
}

const indexAdd = operator('aten::index_add_') as (target: Tensor, dim: number, index: Tensor, source: Tensor) => Tensor;

/** Predicts the slices of a case in their order, a batch of windows at a time. */
export function* predictSlices(
  model: SamSegmenter,
  slices: SliceSource,
  { overlap = false, batch = 16 }: PredictionOptions = {},
): Generator<PredictedSlices> {
  const { windows } = model;
  const [n] = slices.shape;
  const starts = windowStarts(n, windows, overlap);
  const step = Math.max(1, Math.floor(batchOf(slices.shape, batch) / windows.slices));
  const sums = new Sums(model, slices);
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
  readonly #model: SamSegmenter;
  readonly #slices: SliceSource;
  /** The first slice that is not done. */
  start = 0;
  /** float32 [b, C, h, w] */
  #sum: Tensor | undefined;
  #votes: number[] = [];

  constructor(model: SamSegmenter, slices: SliceSource) {
    this.#model = model;
    this.#slices = slices;
  }

  /** Predicts windows that follow one another. @param starts of the windows, as `windowStarts` gives them */
  add(starts: readonly number[]): void {
    const { sam, windows, classes, device } = this.#model;
    const [n, h, w] = this.#slices.shape;
    const [first, end] = [Math.max(0, starts[0]), Math.min(n, starts.at(-1)! + windows.slices)];
    const sum = scope(() =>
      noGrad(() => {
        const images = this.#slices.take(first, end - first);
        const local = starts.map((start) => start - first);
        const { logits } = sam.forward(asColour(takeWindows({ images }, local, windows).to({ device })));
        // Which slice of the volume each row is; repeated edge slices have no say.
        const places = starts.flatMap((start) => Array.from({ length: windows.slices }, (_, i) => start + i));
        const rows = places.flatMap((slice, row) => (slice >= 0 && slice < n ? [row] : []));
        const index = (values: number[]) => tensor(values, [values.length], { dtype: 'int64', device });
        const kept = softmax(logits, 1).indexSelect(0, index(rows));
        const more = zeros([end - this.start - this.#votes.length, classes.length + 1, h, w], { device });
        const grown = this.#sum ? cat([this.#sum, more]) : more;
        for (let slice = this.start + this.#votes.length; slice < end; slice++) this.#votes.push(0);
        for (const row of rows) this.#votes[places[row] - this.start]++;
        return indexAdd(grown, 0, index(rows.map((row) => places[row] - this.start)), kept);
      }),
    ).keep();
    this.#sum?.dispose();
    this.#sum = sum;
  }

  /** The slices before `end`, which are done. */
  take(end: number): PredictedSlices {
    const start = this.start;
    const count = end - start;
    const left = this.#votes.length - count;
    const votes = this.#votes.splice(0, count);
    const { done, rest } = scope(() => {
      const done = this.#sum!.narrow(0, 0, count).div(tensor(votes, [count, 1, 1, 1], { device: this.#model.device }));
      return { done, ...(left > 0 && { rest: this.#sum!.narrow(0, count, left).clone() }) };
    });
    this.#sum!.dispose();
    this.#sum = rest?.keep();
    this.start += count;
    return { start, probabilities: done };
  }

  [Symbol.dispose](): void {
    this.#sum?.dispose();
  }
}

/**
 * Segments a volume with the model and the adapter in use: at each voxel the class with the largest probability. A batch
 * of slices at a time is prepared, predicted and brought to the grid; beside the volume and its labels no more than that
 * is held.
 *
 * @returns uint8 [z, y, x] labels on the volume's RAS grid (`writeMask` brings them to the file's own)
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function* segmentVolumeWithPauses(
  model: SamSegmenter,
  volume: Volume,
  options: PredictionOptions = {},
): Pausing<Uint8Array> {
  const preparation = yield* preparationOf(volume, preprocessingOf(options.case ?? {}, model.preprocessing));
  const channels = model.classes.length + 1;
  const restored = new RestoredLabels(preparation.geometry, { channels, background: 'channel' });
  for (const { start, probabilities } of predictSlices(model, sourceOfVolume(preparation), options)) {
    const values = probabilities.toArray<'float32'>();
    probabilities.dispose();
    restored.add(values, start);
    options.watch?.(values);
    yield pause;
  }
  return restored.labels;
}

/** `segmentVolumeWithPauses` in one go. */
export const segmentVolume = (model: SamSegmenter, volume: Volume, options: PredictionOptions = {}): Uint8Array =>
  withoutPauses(segmentVolumeWithPauses(model, volume, options));
