/**
 * Reading regular files and nothing else. Opening a named pipe waits for a writer that may never come, and a device has
 * no end, so every file that a user names, or that lies in a user's folder, is opened here.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';

/** What stands at a path where a regular file was expected. */
export class NotRegularFile extends Error {}

/**
 * Opens a regular file for reading.
 *
 * @returns its descriptor, which the caller closes, and its size in bytes
 * @throws NotRegularFile, and the file system's errors; `readFault` puts both in words
 */
export function openRegular(path: string): { descriptor: number; size: number } {
  // Without waiting: only what is open can be asked what it is and still be the same thing when it is read.
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new NotRegularFile(`it is ${kindOf(status)}, not a regular file`);
    return { descriptor, size: status.size };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * The bytes of a regular file.
 *
 * @param limit bytes; what a person writes is small, and some parsers take long for what is not
 * @throws as `openRegular`; an Error where the file is larger
 */
export function readRegular(path: string, limit = Number.POSITIVE_INFINITY): Buffer<ArrayBuffer> {
  const { descriptor, size } = openRegular(path);
  try {
    if (size > limit) throw new Error(`it has ${size} bytes, more than ${limit}`);
    return readFileSync(descriptor) as Buffer<ArrayBuffer>;
  } finally {
    closeSync(descriptor);
  }
}

/** The text of a regular file in UTF-8, without a byte order mark. @throws as `readRegular` */
export const readRegularText = (path: string, limit?: number): string =>
  new TextDecoder().decode(readRegular(path, limit));

/** Whether a folder is there; not so where a part of the path is a file, or a name is too long. */
export const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

function kindOf(status: ReturnType<typeof fstatSync>): string {
  if (status?.isDirectory()) return 'a folder';
  if (status?.isFIFO()) return 'a named pipe';
  return status?.isSocket() ? 'a socket' : 'a device';
}

const faults: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder, not a regular file',
  ENXIO: 'it is a socket, not a regular file',
  ELOOP: 'its links lead round in circles',
  ENAMETOOLONG: 'its name is too long',
  ERR_INVALID_ARG_VALUE: 'its name holds a NUL character',
};

/** Why a file could not be read, in words for the user. */
export function readFault(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return faults[code] ?? message;
}
