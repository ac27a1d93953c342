/** Where a format's bytes come from: a file, read in pieces at need, or memory (which may be a mapped file). */
import { closeSync, readSync } from 'node:fs';
import { openRegular, readFault } from '../core/index.js';
import { formatError } from './errors.js';

export interface ByteSource extends Disposable {
  /** What errors call it. */
  readonly file: string;
  /** In bytes. */
  readonly size: number;
  /**
   * The bytes [offset, offset + length).
   *
   * @throws GraftError TENSOR_FILE_TRUNCATED where they lie beyond the end.
   */
  read(offset: number, length: number): Uint8Array;
}

/** Bytes in memory; what is read shares them. */
export const memoryBytes = (bytes: Uint8Array, file: string): ByteSource => ({
  file,
  size: bytes.length,
  read(offset, length) {
    checkRange(this, offset, length);
    // Not `subarray`: that of a Buffer is a Buffer, whose `slice` does not copy.
    return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length);
  },
  [Symbol.dispose]() {},
});

/** @throws GraftError TENSOR_FILE_UNREADABLE */
export function openBytes(path: string): ByteSource {
  const { descriptor, size } = open(path);
  return {
    file: path,
    size,
    read(offset, length) {
      checkRange(this, offset, length);
      const bytes = allocate(path, length);
      for (let done = 0; done < length; ) {
        // One call reads less than 2 GiB.
        const count = readPart(path, descriptor, bytes, done, Math.min(length - done, 2 ** 30), offset + done);
        if (count === 0) throw formatError('TENSOR_FILE_TRUNCATED', shortage(path, offset + length, offset + done));
        done += count;
      }
      return bytes;
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

const shortage = (file: string, expected: number, found: number) => ({ file, expected, found });

function checkRange(source: ByteSource, offset: number, length: number): void {
  if (offset + length > source.size) {
    throw formatError('TENSOR_FILE_TRUNCATED', shortage(source.file, offset + length, source.size));
  }
}

function open(path: string): ReturnType<typeof openRegular> {
  try {
    return openRegular(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readPart(path: string, descriptor: number, bytes: Uint8Array, at: number, length: number, position: number) {
  try {
    return readSync(descriptor, bytes, at, length, position);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(file: string, error: unknown) {
  return formatError('TENSOR_FILE_UNREADABLE', { file, reason: readFault(error) }, error);
}

function allocate(file: string, length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (error) {
    throw formatError('TENSOR_TOO_LARGE', { file, found: length }, error);
  }
}
