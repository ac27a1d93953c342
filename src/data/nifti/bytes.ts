/**
 * The bytes of a NIfTI file, packed with gzip or not (its content decides, not its name), never more than the header
 * announces and the file can hold.
 */
import { closeSync, createReadStream, readSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { GraftError, openRegular, readFault, readRegular } from '../../core/index.js';
import { dataError } from '../errors.js';

/** Read at first: unpacked at most 16 MiB, enough for the header in any sensible file. */
const firstBytes = 2 ** 14;
/** Deflate cannot pack better than this. */
const deflateLimit = 1032;
/** Bytes after the voxels that are let pass: padding, checksums. */
const spare = 2 ** 20;
/** Of a file that is read bit by bit. */
const pieceBytes = 2 ** 20;

export interface Opened {
  packed: boolean;
  /** Bytes on the disk. */
  size: number;
  /** The first bytes, unpacked. */
  head: Uint8Array;
}

/** @throws GraftError VOLUME_UNREADABLE, NIFTI_GZIP. */
export function openVolume(file: string): Opened {
  return readable(file, () => {
    const { descriptor, size } = openRegular(file);
    try {
      const first = readPart(descriptor, 0, Math.min(size, firstBytes));
      const packed = first[0] === 0x1f && first[1] === 0x8b;
      // The rest is missing on purpose: a sync flush gives what there is.
      const head = packed ? unpack(file, first, { finishFlush: constants.Z_SYNC_FLUSH }) : first;
      return { packed, size, head };
    } finally {
      closeSync(descriptor);
    }
  });
}

/**
 * Refuses a file that cannot hold what its header announces, before room is made for it.
 *
 * @throws GraftError NIFTI_TRUNCATED, NIFTI_TOO_LONG.
 */
export function assertHolds(file: string, { packed, size }: Opened, expected: number): void {
  if (size > expected + spare) throw dataError('NIFTI_TOO_LONG', { file, expected, spare });
  const most = size * deflateLimit;
  if (packed && most < expected)
    throw dataError('NIFTI_TRUNCATED', {
      file,
      expected,
      found: `${size} packed bytes, which can hold ${most} at most`,
    });
  if (!packed && size < expected) throw dataError('NIFTI_TRUNCATED', { file, expected, found: size });
}

/**
 * The `length` bytes from `offset` of the unpacked file; nobody else has them, and they begin where any element type
 * may begin. Memory is touched only as far as there are bytes, whatever the header announces.
 *
 * @throws GraftError NIFTI_TRUNCATED, NIFTI_TOO_LONG, NIFTI_GZIP, VOLUME_UNREADABLE.
 */
export function readVoxelBytes(file: string, opened: Opened, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const expected = offset + length;
  const truncated = (found: number) => dataError('NIFTI_TRUNCATED', { file, expected, found });
  assertHolds(file, opened, expected);
  if (!opened.packed) {
    const part = readable(file, () => {
      const { descriptor } = openRegular(file);
      try {
        return readPart(descriptor, offset, length);
      } finally {
        closeSync(descriptor);
      }
    });
    if (part.length < length) throw truncated(offset + part.length);
    return part;
  }

  const stored = readable(file, () => readRegular(file));
  // All in one piece, so that nothing is put together afterwards: the system makes room as it is filled.
  const limits = { maxOutputLength: expected + spare, chunkSize: expected + spare };
  let content: Uint8Array<ArrayBuffer>;
  try {
    content = unpack(file, stored, limits);
  } catch (error) {
    const code = ((error as Error).cause as NodeJS.ErrnoException).code;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw dataError('NIFTI_TOO_LONG', { file, expected, spare }, error);
    if (code !== 'Z_BUF_ERROR') throw error;
    const found = unpack(file, stored, { ...limits, finishFlush: constants.Z_SYNC_FLUSH }).length;
    throw found < expected ? truncated(found) : error;
  }
  if (content.length < expected) throw truncated(content.length);
  const voxels = content.subarray(offset, expected);
  return voxels.byteOffset % 8 === 0 ? voxels : voxels.slice();
}

/**
 * The bytes of `readVoxelBytes` in pieces, of which one is held: large files are read without blocking the thread.
 *
 * @throws GraftError as `readVoxelBytes`
 */
export async function* voxelChunks(
  file: string,
  opened: Opened,
  offset: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  const expected = offset + length;
  let at = 0;
  try {
    const { descriptor: fd } = openRegular(file);
    const stored = createReadStream(file, { fd, highWaterMark: pieceBytes });
    // Errors of the file reach the reader through the last stream.
    const content = opened.packed ? pipeline(stored, createGunzip({ chunkSize: pieceBytes }), () => {}) : stored;
    for await (const chunk of content as AsyncIterable<Buffer>) {
      const [from, to] = [Math.max(0, offset - at), Math.min(chunk.length, expected - at)];
      at += chunk.length;
      if (from < to) yield chunk.subarray(from, to);
      if (at > expected + spare) break;
    }
    if (at >= expected && at <= expected + spare) return;
    throw new Error(`${at} bytes instead of ${expected}`);
  } catch (error) {
    readVoxelBytes(file, opened, offset, length); // says what is wrong
    throw error;
  }
}

function readPart(descriptor: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const part = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    // One call reads less than 2 GiB.
    const count = readSync(descriptor, part, filled, Math.min(length - filled, 2 ** 30), offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled === length ? part : part.slice(0, filled);
}

function unpack(file: string, bytes: Uint8Array, options: Parameters<typeof gunzipSync>[1]): Uint8Array<ArrayBuffer> {
  try {
    const content = gunzipSync(bytes, options);
    // Not a Buffer: its `slice` would not copy.
    return new Uint8Array(content.buffer as ArrayBuffer, content.byteOffset, content.length);
  } catch (error) {
    throw dataError('NIFTI_GZIP', { file, reason: (error as Error).message }, error);
  }
}

function readable<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof GraftError) throw error;
    throw dataError('VOLUME_UNREADABLE', { file, reason: readFault(error) }, error);
  }
}
