/** From volumes and labels to the slices a network takes; `restoration.ts` goes the way back. */
import { type Pausing, pause, runWithoutPauses } from '../../core/index.js';
import type { Label, Volume } from '../volume.js';
import { geometryOf, layoutOf, offsetOf, type Placement, planesOf, type SliceGeometry } from './geometry.js';
import { scalingOf } from './intensity.js';
import { boxOfNonzero, insideOf } from './nonzero.js';
import { resample, type Taps, tapsOf } from './resample.js';
import type { Preprocessing } from './schema.js';
import { splineTaps } from './spline.js';

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

type Image = Pick<Volume, 'path' | 'data' | 'shape' | 'spacing'> & Partial<Pick<Volume, 'grid'>>;

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
  const { crop, intensity } = preprocessing;
  const box = crop && (yield* boxOfNonzero(volume));
  const geometry = geometryOf(volume, preprocessing, { ...placement, box });
  const inside = intensity.kind === 'z-score' && intensity.within ? yield* insideOf(volume) : undefined;
  const kept = yield* keptVoxels(volume.data, geometry, inside);
  const scaling = yield* scalingOf(kept, intensity, volume.path);
  const scale = scaling.scale;
  const floor = inside ? 0 : scaling.floor;
  const [rows, columns] = [forward(geometry, 0), forward(geometry, 1)];
  const native = new Float32Array(geometry.native[0] * geometry.native[1]);
  const within = inside && new Uint8Array(native.length);
  const prepare = (slice: number, into: Float32Array) => {
    takeSlice(volume.data, geometry, slice, native);
    if (within) takeSlice(inside, geometry, slice, within);
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < native.length; i++) {
      if (!within || within[i] === 1) native[i] = scale(native[i]);
      low = Math.min(low, native[i]);
      high = Math.max(high, native[i]);
    }
    resample(native, geometry.native[1], rows, columns, floor, into);
    // Splines overshoot beside edges.
    if (geometry.resampling) for (let i = 0; i < into.length; i++) into[i] = Math.min(high, Math.max(low, into[i]));
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
): Uint8Array => runWithoutPauses(prepareLabelWithPauses(label, geometryOf(label, preprocessing)));

/** `prepareLabel` with pauses. @param geometry its image's: a label does not show what of it is seen */
export function* prepareLabelWithPauses({ data }: Pick<Label, 'data'>, geometry: SliceGeometry): Pausing<Uint8Array> {
  const [n, h, w] = geometry.shape;
  const [rows, columns] = [forward(geometry, 0), forward(geometry, 1)];
  const result = new Uint8Array(n * h * w);
  const native = new Uint8Array(geometry.native[0] * geometry.native[1]);
  const [oneHot, share, largest] = [new Float32Array(native.length), new Float32Array(h * w), new Float32Array(h * w)];
  for (let s = 0; s < n; s++) {
    takeSlice(data, geometry, s, native);
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

/** The voxels that the intensities are scaled by. @param inside uint8 [z, y, x], 1 where they count */
function* keptVoxels(data: Float32Array, geometry: SliceGeometry, inside?: Uint8Array): Pausing<Float32Array> {
  const [n] = geometry.shape;
  const [voxels, size] = [
    data.length / geometry.volume[planesOf(geometry)[0]],
    geometry.native[0] * geometry.native[1],
  ];
  if (!inside && n * size === data.length && voxels === size) return data;
  const kept = new Float32Array(n * size);
  const counts = inside && new Uint8Array(size);
  let filled = 0;
  for (let s = 0; s < n; s++) {
    const slice = kept.subarray(s * size, (s + 1) * size);
    takeSlice(data, geometry, s, slice);
    if (counts) takeSlice(inside, geometry, s, counts);
    for (let i = 0; i < size; i++) if (!counts || counts[i] === 1) kept[filled++] = slice[i];
    yield pause;
  }
  return kept.subarray(0, filled);
}

function takeSlice<Voxels extends Float32Array | Uint8Array>(
  data: Voxels,
  geometry: SliceGeometry,
  s: number,
  slice: Voxels,
): void {
  const {
    start,
    strides: [slices, down, right],
  } = layoutOf(geometry);
  const [rows, columns] = geometry.native;
  for (let r = 0, i = 0; r < rows; r++)
    for (let c = 0; c < columns; c++, i++) slice[i] = data[start + s * slices + r * down + c * right];
}

/** Taps from the volume's pixels to the slice's, along rows (0) or columns (1). */
function forward(geometry: SliceGeometry, i: 0 | 1): Taps {
  const { shape, native, resampled, step, resampling } = geometry;
  const offset = offsetOf(geometry, i);
  if (resampling && shape[i + 1] === resampled[i] && resampled[i] !== native[i])
    return splineTaps(resampled[i], native[i]);
  const centre = (output: number) => {
    const pixel = output - offset;
    if (pixel < 0 || pixel >= resampled[i]) return undefined;
    return (pixel + 0.5 - resampled[i] / 2) * step[i] + native[i] / 2 - 0.5;
  };
  return tapsOf(shape[i + 1], centre, step[i], 0, native[i]);
}
