/** Reads NIfTI-1 and NIfTI-2 volumes and labels, reoriented to RAS. */
import { dataError } from '../errors.js';
import { orientationOf, rasAffine, rasPlaces, rasSize, spacingOf, storedVoxel } from '../orientation.js';
import type { Grid, Label, Volume } from '../volume.js';
import { openVolume, readVoxelBytes } from './bytes.js';
import { type Description, parseHeader } from './header.js';
import { decode } from './types.js';

/**
 * Reads an image: .nii or .nii.gz, any integer or floating-point type, slope and intercept applied.
 *
 * @throws GraftError where the file is not one intact 3-D volume (codes NIFTI_…, VOLUME_UNREADABLE) or has voxels that
 *   are not finite (VOLUME_NOT_FINITE).
 */
export function readVolume(path: string): Volume {
  return finite(read(path));
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
  return finite(place(name, description, bytes.slice(offset, offset + length).buffer));
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
 * Reads a label. Values may be off a whole number by 1e-3, which slope and intercept can cost.
 *
 * @throws GraftError as `readVolume`, or LABEL_VALUE where a value is not a whole number from 0 to 255.
 */
export function readLabel(path: string): Label {
  const { data: values, ...placed } = read(path);
  const data = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const whole = Math.round(value);
    // Written so that NaN fails.
    if (!(whole >= 0 && whole <= 255 && Math.abs(value - whole) <= 1e-3)) {
      throw dataError('LABEL_VALUE', { file: path, value, voxel: voxelName(placed.grid, i) });
    }
    data[i] = whole;
  }
  return { ...placed, data };
}

const voxelName = ({ dims, orientation }: Grid, element: number) => storedVoxel(dims, orientation, element).join(', ');

function read(path: string): Volume {
  const opened = openVolume(path);
  const description = parseHeader(path, opened.head, opened.packed);
  return place(path, description, readVoxelBytes(path, opened, description.offset, description.length));
}

/** @param bytes the stored voxels; they are overwritten where they are not in this machine's byte order */
function place(path: string, description: Description, bytes: ArrayBuffer): Volume {
  const { version, littleEndian, header, dims } = description;
  const orientation = orientationOf(description.affine);
  const grid = { version, littleEndian, header, dims, orientation };
  const affine = rasAffine(description.affine, dims, orientation);
  const [dx, dy, dz] = spacingOf(affine);
  const [nx, ny, nz] = rasSize(dims, orientation);
  return { path, data: reorient(bytes, description, grid), shape: [nz, ny, nx], spacing: [dz, dy, dx], affine, grid };
}

/** Stored voxels -> float32 [z, y, x] in RAS. */
function reorient(bytes: ArrayBuffer, { type, slope, intercept }: Description, grid: Grid): Float32Array {
  const { dims, littleEndian, orientation } = grid;
  const stored = decode(bytes, type, littleEndian);
  const { start, step } = rasPlaces(dims, orientation);
  const data = new Float32Array(stored.length);
  // One stored row after another, as float64: `set` converts any type at the speed of a copy, and the loop below sees
  // one type of array only, which keeps it fast.
  const row = new Float64Array(dims[0]);
  for (let z = 0, from = 0; z < dims[2]; z++) {
    for (let y = 0; y < dims[1]; y++, from += dims[0]) {
      row.set(stored.subarray(from, from + dims[0]));
      let to = start + y * step[1] + z * step[2];
      for (let x = 0; x < row.length; x++, to += step[0]) data[to] = slope * row[x] + intercept;
    }
  }
  return data;
}
