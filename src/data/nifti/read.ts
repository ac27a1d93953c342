/** Reads NIfTI-1 and NIfTI-2 volumes and labels, reoriented to RAS. */
import { type Pause, pause } from '../../core/index.js';
import { dataError } from '../errors.js';
import { orientationOf, rasAffine, rasPlaces, rasSize, spacingOf, storedVoxel } from '../orientation.js';
import type { Grid, Label, Placed, Volume } from '../volume.js';
import { assertHolds, type Opened, openVolume, readVoxelBytes, voxelChunks } from './bytes.js';
import { type Description, parseHeader } from './header.js';
import { decode } from './types.js';

/**
 * Reads an image: .nii or .nii.gz, any integer or floating-point type, slope and intercept applied.
 *
 * @returns float32 [z, y, x] reoriented to RAS; spacing [z, y, x] in mm
 * @throws GraftError where the file is not one intact 3-D volume (codes NIFTI_…, VOLUME_UNREADABLE) or has voxels that
 *   are not finite (VOLUME_NOT_FINITE).
 */
export function readVolume(path: string): Volume {
  const { opened, description } = openImage(path);
  return gather(volumeSink(path, description), readAll(path, opened, description));
}

/** `readVolume` as work that can be interrupted; beside the volume a piece of the file is held. */
export async function* readVolumeWithPauses(path: string): AsyncGenerator<Pause, Volume> {
  const { opened, description } = openImage(path);
  return yield* gatherPieces(volumeSink(path, description), path, opened);
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
  return gather(volumeSink(name, description), new Uint8Array(bytes.subarray(offset, offset + length)));
}

/** Where the voxels of a file lie, by its header alone. @throws GraftError as `readVolume` where the header cannot be used */
export const readPlace = (path: string): Placed => place(path, openImage(path).description);

/** Takes stored rows, in any number of pieces. */
interface Sink<Result> {
  description: Description;
  grid: Grid;
  /** A row that holds until the next, the place of its first voxel in [z, y, x] in RAS, and the step from one to the next. */
  take(row: Float64Array, to: number, step: number): void;
  /** @throws GraftError about what was taken */
  done(): Result;
}

function volumeSink(path: string, description: Description): Sink<Volume> {
  const placed = place(path, description);
  const { slope, intercept, dims } = description;
  const data = new Float32Array(dims[0] * dims[1] * dims[2]);
  let count = 0;
  return {
    ...{ description, grid: placed.grid },
    take(row, to, step) {
      for (let x = 0, at = to; x < row.length; x++, at += step) {
        data[at] = slope * row[x] + intercept;
        if (!Number.isFinite(data[at])) count++;
      }
    },
    done() {
      if (count === 0) return { ...placed, data };
      const first = data.findIndex((value) => !Number.isFinite(value));
      throw dataError('VOLUME_NOT_FINITE', { file: path, count, voxel: voxelName(placed.grid, first) });
    },
  };
}

/** Images that large are not that even: nearly every voxel of such a file has the same value. */
const denseLimit = { bytes: 2 ** 28, ratio: 200 };

/** Refuses a small file that unpacks to gigabytes of nothing, before it is unpacked. @throws GraftError NIFTI_HOLLOW */
function assertDense(file: string, { packed, size }: Opened, { dims }: Description): void {
  const bytes = 4 * dims[0] * dims[1] * dims[2];
  if (!packed || bytes <= denseLimit.bytes || bytes <= denseLimit.ratio * size) return;
  throw dataError('NIFTI_HOLLOW', { file, dims: dims.join(' x '), size, least: Math.ceil(bytes / denseLimit.ratio) });
}

/**
 * Reads a label as uint8 [z, y, x] in RAS. nibabel stores floating-point labels as whole numbers with a slope, which
 * gives them back to half a step at best: that much is rounded off. Otherwise values may be off a whole number by 1e-3.
 *
 * @throws GraftError as `readVolume`, or LABEL_VALUE where a value is not a whole number from 0 to 255.
 */
export function readLabel(path: string): Label {
  const { opened, description } = openLabel(path);
  return gather(labelSink(path, description), readAll(path, opened, description));
}

/** `readLabel` as work that can be interrupted. */
export async function* readLabelWithPauses(path: string): AsyncGenerator<Pause, Label> {
  const { opened, description } = openLabel(path);
  return yield* gatherPieces(labelSink(path, description), path, opened);
}

function labelSink(path: string, description: Description): Sink<Label> {
  const placed = place(path, description);
  const { type, slope, intercept, dims } = description;
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  // With steps above 1 more than one whole number could be meant.
  const rounding = type.whole && Math.abs(slope) <= 1 ? (Math.abs(slope) / 2) * 1.01 : 0;
  const tolerance = Number.isInteger(slope) && Number.isInteger(intercept) ? 1e-3 : Math.max(1e-3, rounding);
  return {
    ...{ description, grid: placed.grid },
    take(row, to, step) {
      for (let x = 0, at = to; x < row.length; x++, at += step) {
        const value = slope * row[x] + intercept;
        const whole = Math.round(value);
        // Written so that NaN fails.
        if (!(whole >= 0 && whole <= 255 && Math.abs(value - whole) <= tolerance)) {
          throw dataError('LABEL_VALUE', { file: path, value, voxel: voxelName(placed.grid, at) });
        }
        data[at] = whole;
      }
    },
    done: () => ({ ...placed, data }),
  };
}

const voxelName = ({ dims, orientation }: Grid, element: number) => storedVoxel(dims, orientation, element).join(', ');

function openImage(path: string) {
  const opened = openVolume(path);
  const description = parseHeader(path, opened.head, opened.packed);
  assertDense(path, opened, description);
  assertHolds(path, opened, description.offset + description.length);
  return { opened, description };
}

function openLabel(path: string) {
  const opened = openVolume(path);
  const description = parseHeader(path, opened.head, opened.packed);
  assertHolds(path, opened, description.offset + description.length);
  return { opened, description };
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

const readAll = (path: string, opened: Opened, { offset, length }: Description) =>
  readVoxelBytes(path, opened, offset, length);

function gather<Result>(sink: Sink<Result>, bytes: Uint8Array<ArrayBuffer>): Result {
  takeRows(bytes, 0, sink);
  return sink.done();
}

/** Bytes of whole rows that are taken at a time. */
const blockBytes = 2 ** 20;

async function* gatherPieces<Result>(sink: Sink<Result>, path: string, opened: Opened): AsyncGenerator<Pause, Result> {
  const { offset, length, dims, type } = sink.description;
  const rowBytes = dims[0] * type.bytes;
  const rows = Math.max(1, Math.floor(blockBytes / rowBytes));
  const block = new Uint8Array(rows * rowBytes);
  let [filled, row] = [0, 0];
  for await (const chunk of voxelChunks(path, opened, offset, length)) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + block.length - filled);
      block.set(part, filled);
      [from, filled] = [from + part.length, filled + part.length];
      if (filled < block.length) continue;
      takeRows(block, row, sink);
      [filled, row] = [0, row + rows];
    }
    yield pause;
  }
  takeRows(block.subarray(0, filled), row, sink);
  return sink.done();
}

/**
 * Hands over stored rows.
 *
 * @param bytes whole rows as stored; they are overwritten where they are not in this machine's byte order
 * @param first which row of the volume is the first of these
 */
function takeRows(bytes: Uint8Array<ArrayBuffer>, first: number, { description, grid, take }: Sink<unknown>): void {
  const { dims, littleEndian, orientation } = grid;
  const stored = decode(bytes, description.type, littleEndian);
  const { start, step } = rasPlaces(dims, orientation);
  // As float64: `set` converts any type at the speed of a copy, and what takes the rows sees one type of array only,
  // which keeps it fast.
  const row = new Float64Array(dims[0]);
  for (let from = 0, number = first; from < stored.length; from += dims[0], number++) {
    row.set(stored.subarray(from, from + dims[0]));
    const [y, z] = [number % dims[1], Math.floor(number / dims[1])];
    take(row, start + y * step[1] + z * step[2], step[0]);
  }
}
