/** From volumes and labels to the slices a network takes; `restoration.ts` goes the way back. */
import { type Pausing, pause, runWithoutPauses } from '../../core/index.js';
import type { Label, Volume } from '../volume.js';
import { geometryOf, offsetOf, type Placement, planesOf, type SliceGeometry, stridesOf } from './geometry.js';
import { scalingOf } from './intensity.js';
import { resample, type Taps, tapsOf } from './resample.js';
import type { Preprocessing } from './schema.js';

/** Slices of one volume. */
export interface Prepared {
  /** float32 [n, h, w]; in [0, 1], but for z-scores. */
  slices: Float32Array;
  shape: [number, number, number];
  geometry: SliceGeometry;
}

/** A volume's slices, each prepared when it is asked for: nothing of the size of the volume is held beside it. */
export interface SlicePreparation {
  geometry: SliceGeometry;
  /** Prepares one slice. @param into float32 [h, w] */
  prepare(slice: number, into: Float32Array): void;
}

type Image = Pick<Volume, 'path' | 'data' | 'shape' | 'spacing'>;

/**
 * Scales the intensities by all slices that the preprocessing keeps, then resamples, pads and crops each slice. Padding
 * has the value of the least voxel.
 *
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function* preparationOf(
  volume: Image,
  preprocessing: Preprocessing,
  placement: Placement = {},
): Pausing<SlicePreparation> {
  const geometry = geometryOf(volume, preprocessing, placement);
  const kept = yield* keptVoxels(volume.data, geometry);
  const { scale, floor } = yield* scalingOf(kept, preprocessing.intensity, volume.path);
  const [rows, columns] = [forward(geometry, 0), forward(geometry, 1)];
  const native = new Float32Array(geometry.native[0] * geometry.native[1]);
  const prepare = (slice: number, into: Float32Array) => {
    takeSlice(volume.data, geometry, slice, native);
    for (let i = 0; i < native.length; i++) native[i] = scale(native[i]);
    resample(native, geometry.native[1], rows, columns, floor, into);
  };
  return { geometry, prepare };
}

/** All slices of a volume, as `preparationOf` makes them. */
export function* prepareVolumeWithPauses(volume: Image, preprocessing: Preprocessing): Pausing<Prepared> {
  const { geometry, prepare } = yield* preparationOf(volume, preprocessing);
  const [n, h, w] = geometry.shape;
  const slices = new Float32Array(n * h * w);
  for (let s = 0; s < n; s++) {
    prepare(s, slices.subarray(s * h * w, (s + 1) * h * w));
    yield pause;
  }
  return { slices, shape: geometry.shape, geometry };
}

/**
 * Makes a volume's slices: intensities scaled, pixels resampled, padded and cropped as the preprocessing says.
 *
 * @param volume data: float32 [z, y, x]; spacing: [z, y, x] in mm
 * @returns `slices` float32 [n, h, w], in [0, 1] except for z-scores, and the `geometry` that leads back to the volume
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export const prepareVolume = (volume: Image, preprocessing: Preprocessing): Prepared =>
  runWithoutPauses(prepareVolumeWithPauses(volume, preprocessing));

/**
 * The label on the grid that `prepareVolume` gives its image: every class is resampled linearly and each pixel takes the
 * class with the largest share (the lowest of equals), which keeps boundaries smoother than the nearest voxel would.
 * Padding is background.
 *
 * @returns uint8 [n, h, w]
 * @throws GraftError SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export const prepareLabel = (
  label: Pick<Label, 'path' | 'data' | 'shape' | 'spacing'>,
  preprocessing: Preprocessing,
): Uint8Array => runWithoutPauses(prepareLabelWithPauses(label, preprocessing));

/** `prepareLabel` with pauses. */
export function* prepareLabelWithPauses(
  label: Pick<Label, 'path' | 'data' | 'shape' | 'spacing'>,
  preprocessing: Preprocessing,
): Pausing<Uint8Array> {
  const geometry = geometryOf(label, preprocessing);
  const [n, h, w] = geometry.shape;
  const [rows, columns] = [forward(geometry, 0), forward(geometry, 1)];
  const result = new Uint8Array(n * h * w);
  const native = new Uint8Array(geometry.native[0] * geometry.native[1]);
  const [oneHot, share, largest] = [new Float32Array(native.length), new Float32Array(h * w), new Float32Array(h * w)];
  for (let s = 0; s < n; s++) {
    takeSlice(label.data, geometry, s, native);
    const slice = result.subarray(s * h * w, (s + 1) * h * w);
    largest.fill(0);
    for (const value of [...new Set(native)].sort((a, b) => a - b)) {
      for (let i = 0; i < native.length; i++) oneHot[i] = native[i] === value ? 1 : 0;
      resample(oneHot, geometry.native[1], rows, columns, 0, share);
      for (let i = 0; i < share.length; i++)
        if (share[i] > largest[i]) {
          largest[i] = share[i];
          slice[i] = value;
        }
    }
    yield pause;
  }
  return result;
}

/** The voxels that the intensities are scaled by. */
function* keptVoxels(data: Float32Array, geometry: SliceGeometry): Pausing<Float32Array> {
  const [n] = geometry.shape;
  if (n === geometry.volume[planesOf(geometry)[0]]) return data;
  const size = geometry.native[0] * geometry.native[1];
  const kept = new Float32Array(n * size);
  for (let s = 0; s < n; s++) {
    takeSlice(data, geometry, s, kept.subarray(s * size, (s + 1) * size));
    yield pause;
  }
  return kept;
}

function takeSlice<Voxels extends Float32Array | Uint8Array>(
  data: Voxels,
  geometry: SliceGeometry,
  s: number,
  slice: Voxels,
): void {
  const [slices, down, right] = stridesOf(geometry);
  const [rows, columns] = geometry.native;
  for (let r = 0, i = 0; r < rows; r++)
    for (let c = 0; c < columns; c++, i++) slice[i] = data[(geometry.first + s) * slices + r * down + c * right];
}

/** Taps from the volume's pixels to the slice's, along rows (0) or columns (1). */
function forward(geometry: SliceGeometry, i: 0 | 1): Taps {
  const { shape, native, resampled, step } = geometry;
  const offset = offsetOf(geometry, i);
  const centre = (output: number) => {
    const pixel = output - offset;
    if (pixel < 0 || pixel >= resampled[i]) return undefined;
    return (pixel + 0.5 - resampled[i] / 2) * step[i] + native[i] / 2 - 0.5;
  };
  return tapsOf(shape[i + 1], centre, step[i], 0, native[i]);
}
