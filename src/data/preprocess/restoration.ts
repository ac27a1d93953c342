/** From a network's probabilities on slices back to the volume's grid. */
import { layoutOf, offsetOf, type SliceGeometry } from './geometry.js';
import { resample, type Taps, tapsOf } from './resample.js';

/**
 * Brings the probabilities of one class back to the volume's RAS grid; 0 outside what the slices show. Linear, so that
 * a threshold at 0.5, or the largest of several classes, gives the mask there.
 *
 * @param probabilities float32 [n, h, w]
 * @returns float32 [z, y, x]
 */
export function restoreProbabilities(probabilities: Float32Array, geometry: SliceGeometry): Float32Array {
  const [n, h, w] = geometry.shape;
  const [z, y, x] = geometry.volume;
  const result = new Float32Array(z * y * x);
  const restore = restorationOf(geometry);
  for (let s = 0; s < n; s++)
    putSlice(restore(probabilities.subarray(s * h * w, (s + 1) * h * w)), geometry, s, result);
  return result;
}

/**
 * Brings slices back to the volume's pixels: float32 [h, w] of the slices -> float32 [rows, columns] of the volume. The
 * result lies in the same memory each time.
 */
export function restorationOf(geometry: SliceGeometry): (slice: Float32Array) => Float32Array {
  const [rows, columns] = [backward(geometry, 0), backward(geometry, 1)];
  const native = new Float32Array(geometry.native[0] * geometry.native[1]);
  return (slice) => {
    resample(slice, geometry.shape[2], rows, columns, 0, native);
    return native;
  };
}

/** Puts a slice in the volume's pixels to its place in the volume [z, y, x]. */
export const putSlice = <Voxels extends Float32Array | Uint8Array>(
  slice: Voxels,
  geometry: SliceGeometry,
  s: number,
  volume: Voxels,
): void => visit(geometry, s, (voxel, pixel) => (volume[voxel] = slice[pixel]));

/** Adds a slice in the volume's pixels to what lies at its place. */
export const addSlice = <Voxels extends Float32Array | Uint8Array>(
  slice: Voxels,
  geometry: SliceGeometry,
  s: number,
  volume: Voxels,
): void => visit(geometry, s, (voxel, pixel) => (volume[voxel] += slice[pixel]));

/** Goes through the pixels of a slice, each with its voxel. */
function visit(geometry: SliceGeometry, s: number, see: (voxel: number, pixel: number) => void): void {
  const {
    start,
    strides: [slices, down, right],
  } = layoutOf(geometry);
  const [rows, columns] = geometry.native;
  for (let r = 0, i = 0; r < rows; r++)
    for (let c = 0; c < columns; c++, i++) see(start + s * slices + r * down + c * right, i);
}

/** Taps from the slice's pixels back to the volume's; padding is never taken. */
function backward(geometry: SliceGeometry, i: 0 | 1): Taps {
  const { shape, native, resampled, step, cornered, resampling } = geometry;
  const offset = offsetOf(geometry, i);
  const centre = (voxel: number) => {
    const pixel = (voxel + 0.5 - native[i] / 2) / step[i] + resampled[i] / 2 - 0.5 + offset;
    return pixel < -0.5 || pixel > shape[i + 1] - 0.5 ? undefined : pixel;
  };
  const [from, to] = [Math.max(0, offset), Math.min(shape[i + 1], offset + resampled[i])];
  // segment-anything (`F.interpolate`) and nnU-Net always take the two nearest pixels.
  return tapsOf(native[i], centre, cornered || resampling ? 1 : 1 / step[i], from, to);
}
