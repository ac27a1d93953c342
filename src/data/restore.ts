/** From a network's probabilities of several classes to labels on the volume's grid. */
import { restoreProbabilities, type SliceGeometry } from './preprocess/index.js';

/** The probabilities of one class, [n, C, h, w] -> [n, h, w]. */
export function classMap(probabilities: Float32Array, one: number, classes: number, sliceSize: number): Float32Array {
  if (classes === 1) return probabilities;
  const slices = probabilities.length / (classes * sliceSize);
  const result = new Float32Array(slices * sliceSize);
  for (let s = 0; s < slices; s++) {
    const start = (s * classes + one) * sliceSize;
    result.set(probabilities.subarray(start, start + sliceSize), s * sliceSize);
  }
  return result;
}

/**
 * The class with the largest probability at each voxel; the lowest of equals, and background outside what the slices show.
 *
 * @param probabilities float32 [n, C, h, w]
 * @param options.background `channel`: the first of the C; `half`: it wins where no class exceeds one half
 * @returns uint8 [z, y, x] on the volume's RAS grid
 */
export function restoreLabels(
  probabilities: Float32Array,
  geometry: SliceGeometry,
  { background }: { background: 'channel' | 'half' },
): Uint8Array {
  const [n, h, w] = geometry.shape;
  const [z, y, x] = geometry.volume;
  const channels = probabilities.length / (n * h * w);
  const restored = (channel: number) =>
    restoreProbabilities(classMap(probabilities, channel, channels, h * w), geometry);
  const first = background === 'channel' ? 1 : 0;
  const largest = background === 'channel' ? restored(0) : new Float32Array(z * y * x).fill(0.5);
  const labels = new Uint8Array(z * y * x);
  for (let channel = first; channel < channels; channel++) {
    const map = restored(channel);
    for (let i = 0; i < map.length; i++)
      if (map[i] > largest[i]) {
        largest[i] = map[i];
        labels[i] = channel - first + 1;
      }
  }
  return labels;
}
