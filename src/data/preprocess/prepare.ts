/** From volumes and labels to the slices a network takes, and from its probabilities back to the volume's grid. */

import type { Label, Volume } from '../volume.js';
import { geometryOf, offsetOf, planesOf, type SliceGeometry, stridesOf } from './geometry.js';
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

/**
 * Scales the intensities by all slices that the preprocessing keeps, then resamples, pads and crops each slice. Padding
 * has the value of the least voxel.
 *
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function prepareVolume(
  volume: Pick<Volume, 'path' | 'data' | 'shape' | 'spacing'>,
  preprocessing: Preprocessing,
): Prepared {
  const geometry = geometryOf(volume, preprocessing);
  const kept = keptVoxels(volume.data, geometry);
  const { scale, floor } = scalingOf(kept, preprocessing.intensity, volume.path);
  const [n, h, w] = geometry.shape;
  const [rows, columns] = [forward(geometry, 0), forward(geometry, 1)];
  const slices = new Float32Array(n * h * w);
  const native = new Float32Array(geometry.native[0] * geometry.native[1]);
  for (let s = 0; s < n; s++) {
    takeSlice(volume.data, geometry, s, native);
    for (let i = 0; i < native.length; i++) native[i] = scale(native[i]);
    resample(native, geometry.native[1], rows, columns, floor, slices.subarray(s * h * w, (s + 1) * h * w));
  }
  return { slices, shape: geometry.shape, geometry };
}

/**
 * The label on the grid that `prepareVolume` gives its image: every class is resampled linearly and each pixel takes the
 * class with the largest share (the lowest of equals), which keeps boundaries smoother than the nearest voxel would.
 * Padding is background.
 *
 * @returns uint8 [n, h, w]
 * @throws GraftError SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function prepareLabel(
  label: Pick<Label, 'path' | 'data' | 'shape' | 'spacing'>,
  preprocessing: Preprocessing,
): Uint8Array {
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
  }
  return result;
}

/**
 * Brings the probabilities of one class back to the volume's RAS grid; 0 outside what the slices show. Linear, so that
 * a threshold at 0.5, or the largest of several classes, gives the mask there.
 *
 * @param probabilities float32 [n, h, w]
 * @returns float32 [z, y, x]
 */
export function restoreProbabilities(probabilities: Float32Array, geometry: SliceGeometry): Float32Array {
  const { volume, native, shape, first } = geometry;
  const [n, h, w] = shape;
  const [slices, down, right] = stridesOf(geometry);
  const [rows, columns] = [backward(geometry, 0), backward(geometry, 1)];
  const result = new Float32Array(volume[0] * volume[1] * volume[2]);
  const slice = new Float32Array(native[0] * native[1]);
  for (let s = 0; s < n; s++) {
    resample(probabilities.subarray(s * h * w, (s + 1) * h * w), w, rows, columns, 0, slice);
    for (let r = 0, i = 0; r < native[0]; r++)
      for (let c = 0; c < native[1]; c++, i++) result[(first + s) * slices + r * down + c * right] = slice[i];
  }
  return result;
}

/** The voxels that the intensities are scaled by. */
function keptVoxels(data: Float32Array, geometry: SliceGeometry): Float32Array {
  const [n] = geometry.shape;
  if (n === geometry.volume[planesOf(geometry)[0]]) return data;
  const size = geometry.native[0] * geometry.native[1];
  const kept = new Float32Array(n * size);
  for (let s = 0; s < n; s++) takeSlice(data, geometry, s, kept.subarray(s * size, (s + 1) * size));
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

/** Taps from the slice's pixels back to the volume's; padding is never taken. */
function backward(geometry: SliceGeometry, i: 0 | 1): Taps {
  const { shape, native, resampled, step } = geometry;
  const offset = offsetOf(geometry, i);
  const centre = (voxel: number) => {
    const pixel = (voxel + 0.5 - native[i] / 2) / step[i] + resampled[i] / 2 - 0.5 + offset;
    return pixel < -0.5 || pixel > shape[i + 1] - 0.5 ? undefined : pixel;
  };
  const [from, to] = [Math.max(0, offset), Math.min(shape[i + 1], offset + resampled[i])];
  return tapsOf(native[i], centre, 1 / step[i], from, to);
}
