/** Reads NIfTI-1 and NIfTI-2 volumes and labels, reoriented to RAS. */
import { dataError } from '../errors.js';
import { orientationOf, rasAffine, rasPlaces, rasSize, spacingOf, storedVoxel } from '../orientation.js';
import type { Grid, Label, Placed, Volume } from '../volume.js';
import { type Opened, openVolume, readVoxelBytes } from './bytes.js';
import { type Description, parseHeader } from './header.js';
import { decode } from './types.js';

/**
 * Reads an image: .nii or .nii.gz, any integer or floating-point type, slope and intercept applied.
 *
 * @throws GraftError where the file is not one intact 3-D volume (codes NIFTI_…, VOLUME_UNREADABLE) or has voxels that
 *   are not finite (VOLUME_NOT_FINITE).
 */
export function readVolume(path: string): Volume {
  const { opened, description } = open(path);
  assertDense(path, opened, description);
  return finite(volumeOf(path, description, readVoxelBytes(path, opened, description.offset, description.length)));
}

/**
 * An image from the bytes of a whole .nii file, not compressed, as `readVolume` reads it.
 *
 * @param name stands for the path: in errors, and as the volume's
 * @throws GraftError as `readVolume`
 */
export function volumeOfBytes(name: string, bytes: Uint8Array): Volume {
  const description = parseHeader(name, bytes, false);
  const { offset, length } = description;
  if (bytes.length < offset + length)
    throw dataError('NIFTI_TRUNCATED', { file: name, expected: offset + length, found: bytes.length });
  return finite(volumeOf(name, description, new Uint8Array(bytes.subarray(offset, offset + length))));
}

function volumeOf(path: string, description: Description, bytes: Uint8Array<ArrayBuffer>): Volume {
  const placed = place(path, description);
  const data = new Float32Array(bytes.length / description.type.bytes);
  const { slope, intercept } = description;
  reorient(bytes, description, placed.grid, (row, to, step) => {
    for (let x = 0; x < row.length; x++, to += step) data[to] = slope * row[x] + intercept;
  });
  return { ...placed, data };
}

/** Images that large are not that even: nearly every voxel of such a file has the same value. */
const denseLimit = { bytes: 2 ** 28, ratio: 200 };

/** Refuses a small file that unpacks to gigabytes of nothing, before it is unpacked. @throws GraftError NIFTI_HOLLOW */
function assertDense(file: string, { packed, size }: Opened, { dims }: Description): void {
  const bytes = 4 * dims[0] * dims[1] * dims[2];
  if (!packed || bytes <= denseLimit.bytes || bytes <= denseLimit.ratio * size) return;
  throw dataError('NIFTI_HOLLOW', { file, dims: dims.join(' x '), size, least: Math.ceil(bytes / denseLimit.ratio) });
}

/** @throws GraftError VOLUME_NOT_FINITE */
function finite(volume: Volume): Volume {
  const { path, data, grid } = volume;
  let count = 0;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) count++;
  if (count > 0) {
    const first = data.findIndex((value) => !Number.isFinite(value));
    throw dataError('VOLUME_NOT_FINITE', { file: path, count, voxel: voxelName(grid, first) });
  }
  return volume;
}

/**
 * Reads a label. What slope and intercept cost is made good: nibabel stores floating-point labels as whole numbers with
 * a slope, which brings them back to half a step at best. Otherwise values may be off a whole number by 1e-3.
 *
 * @throws GraftError as `readVolume`, or LABEL_VALUE where a value is not a whole number from 0 to 255.
 */
export function readLabel(path: string): Label {
  const { opened, description } = open(path);
  const bytes = readVoxelBytes(path, opened, description.offset, description.length);
  const placed = place(path, description);
  const { type, slope, intercept } = description;
  const data = new Uint8Array(bytes.length / type.bytes);
  // With steps above 1 more than one whole number could be meant.
  const rounding = type.whole && Math.abs(slope) <= 1 ? (Math.abs(slope) / 2) * 1.01 : 0;
  const tolerance = Number.isInteger(slope) && Number.isInteger(intercept) ? 1e-3 : Math.max(1e-3, rounding);
  reorient(bytes, description, placed.grid, (row, to, step) => {
    for (let x = 0; x < row.length; x++, to += step) {
      const value = slope * row[x] + intercept;
      const whole = Math.round(value);
      // Written so that NaN fails.
      if (!(whole >= 0 && whole <= 255 && Math.abs(value - whole) <= tolerance)) {
        throw dataError('LABEL_VALUE', { file: path, value, voxel: voxelName(placed.grid, to) });
      }
      data[to] = whole;
    }
  });
  return { ...placed, data };
}

const voxelName = ({ dims, orientation }: Grid, element: number) => storedVoxel(dims, orientation, element).join(', ');

function open(path: string) {
  const opened = openVolume(path);
  return { opened, description: parseHeader(path, opened.head, opened.packed) };
}

function place(path: string, description: Description): Placed {
  const { version, littleEndian, header, dims, doubts } = description;
  const orientation = orientationOf(description.affine);
  const grid = { version, littleEndian, header, dims, orientation };
  const affine = rasAffine(description.affine, dims, orientation);
  const [dx, dy, dz] = spacingOf(affine);
  const [nx, ny, nz] = rasSize(dims, orientation);
  const placed: Placed = { path, shape: [nz, ny, nx], spacing: [dz, dy, dx], affine, grid };
  return doubts.length > 0 ? { ...placed, doubts } : placed;
}

/**
 * Gives the stored rows one after another, each with the place of its first voxel in [z, y, x] in RAS and the step from
 * one of its voxels to the next. A row holds until the next one.
 *
 * @param bytes the stored voxels; they are overwritten where they are not in this machine's byte order
 */
function reorient(
  bytes: Uint8Array<ArrayBuffer>,
  { type }: Description,
  { dims, littleEndian, orientation }: Grid,
  take: (row: Float64Array, to: number, step: number) => void,
): void {
  const stored = decode(bytes, type, littleEndian);
  const { start, step } = rasPlaces(dims, orientation);
  // As float64: `set` converts any type at the speed of a copy, and what takes the rows sees one type of array only,
  // which keeps it fast.
  const row = new Float64Array(dims[0]);
  for (let z = 0, from = 0; z < dims[2]; z++) {
    for (let y = 0; y < dims[1]; y++, from += dims[0]) {
      row.set(stored.subarray(from, from + dims[0]));
      take(row, start + y * step[1] + z * step[2], step[0]);
    }
  }
}
