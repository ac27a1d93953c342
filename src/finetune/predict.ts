/**
 * Segmenting a volume without prompts: the same preparation as in training, masks on the volume's own grid.
 *
 * Every slice is predicted once, in windows that follow one another. With `overlap` every slice is predicted by each
 * window that holds it and the probabilities are averaged, as FLAP-SAM's evaluation does; where intensities are scaled
 * by volume and no adapter looks across slices this is the same prediction, `slices` times.
 */
import {
  asColour,
  type Case,
  prepareVolume,
  preprocessingOf,
  restoreLabels,
  takeWindows,
  type Volume,
  windowStarts,
} from '../data/index.js';
import { noGrad, operator, scope, softmax, type Tensor, tensor, zeros } from '../torch/index.js';
import type { SamSegmenter } from './segmenter.js';

export interface PredictionOptions {
  /** Every window that holds a slice has a say; default: each slice is predicted once. */
  overlap?: boolean;
  /** Slices in a batch, rounded to whole windows. */
  batch?: number;
  /** The case that the volume is of, where its data set may fix a part of the preprocessing. */
  case?: Pick<Case, 'preprocessing'>;
}

const indexAdd = operator('aten::index_add_') as (target: Tensor, dim: number, index: Tensor, source: Tensor) => Tensor;

/**
 * @param images float32 [n, 1, h, w], the prepared slices of one volume
 * @returns float32 [n, C, h, w], probabilities of the classes, the background first
 */
export function predictSlices(
  model: SamSegmenter,
  images: Tensor,
  { overlap = false, batch = 16 }: PredictionOptions = {},
): Tensor {
  const { sam, windows, classes, device } = model;
  const [n, , h, w] = images.shape;
  const starts = windowStarts(n, windows, overlap);
  const step = Math.max(1, Math.floor(batch / windows.slices));
  return scope(() =>
    noGrad(() => {
      const sum = zeros([n, classes.length + 1, h, w], { device });
      const votes = new Float32Array(n);
      for (let from = 0; from < starts.length; from += step)
        scope(() => {
          const chunk = starts.slice(from, from + step);
          const { logits } = sam.forward(asColour(takeWindows({ images }, chunk, windows).to({ device })));
          // Which slice of the volume each row is; repeated edge slices have no say.
          const slices = chunk.flatMap((start) => Array.from({ length: windows.slices }, (_, i) => start + i));
          const rows = slices.flatMap((slice, row) => (slice >= 0 && slice < n ? [row] : []));
          for (const row of rows) votes[slices[row]]++;
          const index = (places: number[]) => tensor(places, [places.length], { dtype: 'int64', device });
          const kept = softmax(logits, 1).indexSelect(0, index(rows));
          indexAdd(sum, 0, index(rows.map((row) => slices[row])), kept);
        });
      return sum.div(tensor(votes, [n, 1, 1, 1], { device }));
    }),
  );
}

/**
 * Segments a volume with the model and the adapter in use.
 *
 * @returns uint8 [z, y, x] labels on the volume's RAS grid (`writeMask` brings them to the file's own): the class with
 * the largest probability
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function segmentVolume(model: SamSegmenter, volume: Volume, options: PredictionOptions = {}): Uint8Array {
  const { slices, shape, geometry } = prepareVolume(volume, preprocessingOf(options.case ?? {}, model.preprocessing));
  const [n, h, w] = shape;
  using images = tensor(slices, [n, 1, h, w], { device: 'cpu', copy: false });
  using probabilities = predictSlices(model, images, options);
  return restoreLabels(probabilities.toArray(), geometry, { background: 'channel' });
}
