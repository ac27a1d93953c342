/** From a network's probabilities of several classes to labels on the volume's grid. */
import { addSlice, putSlice, restorationOf, type SliceGeometry } from './preprocess/index.js';

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
 *
 * With slices of several planes the probabilities are averaged at each voxel over the planes that show it; they are held
 * for the whole volume then, beside the labels.
 */
export class RestoredLabels {
  readonly #views: readonly View[];
  readonly #options: RestoreOptions;
  readonly #labels: Uint8Array;
  /** Of several planes. */
  readonly #mean: Mean | undefined;

  /** @param geometries of one volume, one for each plane */
  constructor(geometries: readonly SliceGeometry[], options: RestoreOptions) {
    const [z, y, x] = geometries[0].volume;
    this.#views = geometries.map((geometry) => ({ geometry, restore: restorationOf(geometry) }));
    this.#options = options;
    this.#labels = new Uint8Array(z * y * x);
    this.#mean = geometries.length > 1 ? new Mean(this.#labels.length, options.channels) : undefined;
  }

  /**
   * @param probabilities float32 [b, C, h, w]
   * @param start which of the slices is the first of these
   * @param plane which of the geometries they lie in
   */
  add(probabilities: Float32Array, start: number, plane = 0): void {
    const { channels } = this.#options;
    const { geometry, restore } = this.#views[plane];
    const [, h, w] = geometry.shape;
    const sliceSize = channels * h * w;
    for (let i = 0; i * sliceSize < probabilities.length; i++) {
      const values = this.#interpolated(probabilities.subarray(i * sliceSize, (i + 1) * sliceSize), geometry);
      const maps = Array.from({ length: channels }, (_, c) =>
        restore(values.subarray(c * h * w, (c + 1) * h * w)).slice(),
      );
      if (this.#mean) this.#mean.add(maps, restore(new Float32Array(h * w).fill(1)), geometry, start + i);
      else putSlice(largestOf(maps, this.#options), geometry, start + i, this.#labels);
    }
  }

  /** What is interpolated of one slice's maps, float32 [C, h, w]. */
  #interpolated(maps: Float32Array, { resampling, shape, native }: SliceGeometry): Float32Array {
    const apart = shape[1] !== native[0] || shape[2] !== native[1];
    const logarithms = resampling && this.#options.background === 'channel' && apart;
    return logarithms ? maps.map((p) => Math.log(Math.max(p, LEAST))) : maps;
  }

  /** uint8 [z, y, x] on the volume's RAS grid, of all that was added. */
  get labels(): Uint8Array {
    if (this.#mean) this.#labels.set(largestOf(this.#mean.maps, this.#options, this.#mean.shown));
    return this.#labels;
  }
}

interface View {
  geometry: SliceGeometry;
  restore: (slice: Float32Array) => Float32Array;
}

/** Sums over the planes: nothing is divided, since the largest of the sums is that of the means. */
class Mean {
  /** float32 [z, y, x] for each channel */
  readonly maps: Float32Array[];
  /** uint8 [z, y, x]: how many planes show a voxel */
  readonly shown: Uint8Array;

  constructor(voxels: number, channels: number) {
    this.maps = Array.from({ length: channels }, () => new Float32Array(voxels));
    this.shown = new Uint8Array(voxels);
  }

  /** @param maps float32 [rows, columns] for each channel @param shown likewise, above 0 where the slice shows a voxel */
  add(maps: readonly Float32Array[], shown: Float32Array, geometry: SliceGeometry, slice: number): void {
    for (const [c, map] of maps.entries()) addSlice(map, geometry, slice, this.maps[c]);
    addSlice(
      Uint8Array.from(shown, (weight) => (weight > 0 ? 1 : 0)),
      geometry,
      slice,
      this.shown,
    );
  }
}

/**
 * The label of the largest map, or of background.
 *
 * @param maps float32, one for each channel: values, or sums of several
 * @param counts of how many values each sum is; default: one
 */
function largestOf(maps: readonly Float32Array[], { background }: RestoreOptions, counts?: Uint8Array): Uint8Array {
  const [{ length }] = maps;
  const first = background === 'channel' ? 1 : 0;
  const least = background === 'half' ? 0.5 : 0;
  const largest = background === 'channel' ? maps[0].slice() : new Float32Array(length).fill(least);
  if (counts && least > 0) for (let i = 0; i < length; i++) largest[i] *= counts[i];
  const labels = new Uint8Array(length);
  for (const [c, map] of maps.slice(first).entries())
    for (let i = 0; i < length; i++)
      if (map[i] > largest[i]) {
        largest[i] = map[i];
        labels[i] = c + 1;
      }
  return labels;
}
