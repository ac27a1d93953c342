/** Segmenting a volume: the same preprocessing as in training, masks on the volume's own grid. */
import { prepareVolume, restoreLabels, type Volume } from '../data/index.js';
import { tensor } from '../torch/index.js';
import { runNetwork } from './observe.js';
import type { Segmenter } from './segmenter.js';

/**
 * Segments a volume with the model and the adapter in use.
 *
 * @returns uint8 [z, y, x] labels on the volume's RAS grid (`writeMask` brings them to the file's own): at each voxel
 * the class with the largest probability, 0 where none exceeds one half
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE
 */
export function segment(model: Segmenter, volume: Volume): Uint8Array {
  const { slices, shape, geometry } = prepareVolume(volume, model.preprocessing);
  const [n, h, w] = shape;
  using images = tensor(slices, [n, 1, h, w], { device: model.device });
  const { probabilities } = runNetwork(model.network, images);
  return restoreLabels(probabilities, geometry, { background: 'half' });
}
