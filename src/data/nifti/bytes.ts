/**
 * The bytes of a NIfTI file, packed with gzip or not (its content decides, not its name), never more than the header
 * announces and the file can hold.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import { GraftError } from '../../core/index.js';
import { dataError } from '../errors.js';

/** Read at first: unpacked at most 16 MiB, enough for the header in any sensible file. */
const firstBytes = 2 ** 14;
/** Deflate cannot pack better than this. */
const deflateLimit = 1032;
/** Bytes after the voxels that are let pass: padding, checksums. */
const spare = 2 ** 20;

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
    const status = statSync(file);
    if (!status.isFile()) throw dataError('VOLUME_UNREADABLE', { file, reason: 'it is not a file' });
    const first = readPart(file, 0, Math.min(status.size, firstBytes));
    const packed = first[0] === 0x1f && first[1] === 0x8b;
    // The rest is missing on purpose: a sync flush gives what there is.
    const head = packed ? unpack(file, first, { finishFlush: constants.Z_SYNC_FLUSH }) : first;
    return { packed, size: status.size, head };
  });
}

/**
 * The `length` bytes from `offset` of the unpacked file, in a buffer of their own.
 *
 * @throws GraftError NIFTI_TRUNCATED, NIFTI_TOO_LONG, NIFTI_GZIP, VOLUME_UNREADABLE.
 */
export function readVoxelBytes(file: string, opened: Opened, offset: number, length: number): ArrayBuffer {
  const expected = offset + length;
  const truncated = (found: number | string) => dataError('NIFTI_TRUNCATED', { file, expected, found });
  if (opened.size > expected + spare) throw dataError('NIFTI_TOO_LONG', { file, expected, spare });
  if (!opened.packed) {
    if (opened.size < expected) throw truncated(opened.size);
    const part = readable(file, () => readPart(file, offset, length));
    if (part.length < length) throw truncated(offset + part.length);
    return part.buffer;
  }

  const most = opened.size * deflateLimit;
  if (most < expected) throw truncated(`${opened.size} packed bytes, which can hold ${most} at most`);
  const stored = readable(file, () => readFileSync(file));
  const limits = { maxOutputLength: expected + spare, chunkSize: Math.min(expected, 2 ** 20) };
  let content: Uint8Array;
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
  return new Uint8Array(content.subarray(offset, expected)).buffer;
}

function readPart(file: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const part = new Uint8Array(length);
  const descriptor = openSync(file, 'r');
  try {
    let filled = 0;
    while (filled < length) {
      const count = readSync(descriptor, part, filled, length - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled === length ? part : part.slice(0, filled);
  } finally {
    closeSync(descriptor);
  }
}

function unpack(file: string, bytes: Uint8Array, options: Parameters<typeof gunzipSync>[1]): Uint8Array {
  try {
    return gunzipSync(bytes, options);
  } catch (error) {
    throw dataError('NIFTI_GZIP', { file, reason: (error as Error).message }, error);
  }
}

function readable<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof GraftError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = { ENOENT: 'there is no such file', EACCES: 'permission denied' };
    throw dataError('VOLUME_UNREADABLE', { file, reason: reasons[code ?? ''] ?? message }, error);
  }
}
