/** Segmenting a volume: the same preprocessing as in training, masks on the volume's own grid. */
import { type Case, prepareVolume, preprocessingOf, restoreLabels, type Volume } from '../data/index.js';
import { tensor } from '../torch/index.js';
import { runNetwork } from './observe.js';
import type { Segmenter } from './segmenter.js';

/**
 * Segments a volume with the model and the adapter in use.
 *
 * @param one the case that the volume is of, where its data set may fix a part of the preprocessing
 * @returns uint8 [z, y, x] labels on the volume's RAS grid (`writeMask` brings them to the file's own): at each voxel
 * the class with the largest probability, 0 where none exceeds one half
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function segment(model: Segmenter, volume: Volume, one: Pick<Case, 'preprocessing'> = {}): Uint8Array {
  const { slices, shape, geometry } = prepareVolume(volume, preprocessingOf(one, model.preprocessing));
  const [n, h, w] = shape;
  using images = tensor(slices, [n, 1, h, w], { device: 'cpu', copy: false });
  const { probabilities } = runNetwork(model, images);
  return restoreLabels(probabilities, geometry, { background: 'half' });
}
