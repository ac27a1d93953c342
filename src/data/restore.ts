/** From a network's probabilities of several classes to labels on the volume's grid. */
import { putSlice, restorationOf, type SliceGeometry } from './preprocess/index.js';

/** A probability that float32 holds, in place of 0. */
const LEAST = 1e-38;

export interface RestoreOptions {
  /** Maps of a slice, C. */
  channels: number;
  /** `channel`: the first of the C; `half`, `zero`: it wins where no class exceeds one half, or, of logits, 0. */
  background: 'channel' | 'half' | 'zero';
}

/**
 * Labels made slice by slice, as a network predicts: the class with the largest probability at each voxel; the lowest of
 * equals, and background outside what the slices show. Where slices were resampled by splines, logarithms of probabilities
 * are interpolated in place of these, so that the largest is that of the interpolated logits.
 */
export class RestoredLabels {
  /** uint8 [z, y, x] on the volume's RAS grid. */
  readonly labels: Uint8Array;
  readonly #geometry: SliceGeometry;
  readonly #options: RestoreOptions;
  readonly #restore: (slice: Float32Array) => Float32Array;

  constructor(geometry: SliceGeometry, options: RestoreOptions) {
    const [z, y, x] = geometry.volume;
    this.labels = new Uint8Array(z * y * x);
    this.#geometry = geometry;
    this.#options = options;
    this.#restore = restorationOf(geometry);
  }

  /**
   * @param probabilities float32 [b, C, h, w]
   * @param start which of the slices is the first of these
   */
  add(probabilities: Float32Array, start: number): void {
    const [, h, w] = this.#geometry.shape;
    const sliceSize = this.#options.channels * h * w;
    for (let i = 0; i * sliceSize < probabilities.length; i++) {
      const maps = probabilities.subarray(i * sliceSize, (i + 1) * sliceSize);
      putSlice(this.#labelsOf(maps, h * w), this.#geometry, start + i, this.labels);
    }
  }

  /** Of one slice, float32 [C, h, w] -> uint8 [rows, columns] in the volume's pixels. */
  #labelsOf(maps: Float32Array, size: number): Uint8Array {
    const { channels, background } = this.#options;
    const { resampling, shape, native } = this.#geometry;
    const logarithms = resampling && background === 'channel' && (shape[1] !== native[0] || shape[2] !== native[1]);
    const values = logarithms ? maps.map((p) => Math.log(Math.max(p, LEAST))) : maps;
    const restored = (channel: number) => this.#restore(values.subarray(channel * size, (channel + 1) * size));
    const first = background === 'channel' ? 1 : 0;
    const [rows, columns] = native;
    const largest =
      background === 'channel'
        ? restored(0).slice()
        : new Float32Array(rows * columns).fill(background === 'half' ? 0.5 : 0);
    const labels = new Uint8Array(rows * columns);
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
}
