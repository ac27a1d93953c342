/** Files that are whole or absent: every result graft writes goes through `writeFileAtomic`, every line of a log through
 * `appendText`. What is secret is its owner's alone. */
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writevSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errorsOf, GraftError } from './errors.js';
import { removeLeftovers, temporaryBeside } from './temporary.js';

export const fileErrors = {
  WRITE_FAILED: {
    exit: 'system',
    message: '{file}: could not be written ({reason}).',
    hint: 'Nothing was left half-written. Free space, or choose a folder you may write to, and give the same command again, with --resume where the command has that option.',
  },
  SECRET_EXPOSED: {
    exit: 'system',
    message: '{file}: holds a secret key that others can read (its rights are {mode}).',
    hint: 'Make it yours alone: chmod 600 {file}',
  },
} as const;
const fileError = errorsOf(fileErrors);

const reasons: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than is allowed here',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'the path is a folder',
  ENAMETOOLONG: 'its name is too long',
};

/** What the action gives. @throws GraftError WRITE_FAILED naming the file, where it throws anything but another */
export function writing<Result>(file: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof GraftError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw fileError('WRITE_FAILED', { file, reason: reasons[code] ?? message }, error);
  }
}

/** Text, bytes, or bytes in pieces that are made one after another as they are written. */
export type Chunk = Uint8Array | string | Iterable<Uint8Array>;

/**
 * Writes the chunks one after another to a temporary file beside `path`, forces them to the disk and renames: a reader
 * sees the old file or the whole new one, also after a crash. Missing folders are made.
 *
 * @throws GraftError WRITE_FAILED with the reason; the temporary file is removed.
 */
export const writeFileAtomic = (path: string, ...chunks: Chunk[]): void => replace(path, chunks, {});

/** The same, readable by its owner alone. */
export const writeSecret = (path: string, ...chunks: Chunk[]): void =>
  replace(path, chunks, { mode: 0o600, folderMode: 0o700 });

/** @param modes of the file and of folders that have to be made; default: as the process's mask says */
function replace(
  path: string,
  chunks: readonly Chunk[],
  { mode, folderMode }: { mode?: number; folderMode?: number },
): void {
  const folder = dirname(path);
  const temporary = temporaryBeside(path);
  writing(path, () => {
    try {
      mkdirSync(folder, { recursive: true, ...(folderMode && { mode: folderMode }) });
      removeLeftovers(folder);
      const descriptor = openSync(temporary, 'wx', mode);
      try {
        writeAll(descriptor, chunks);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, path);
      syncFolder(folder);
    } catch (error) {
      remove(temporary);
      throw error;
    }
  });
}

/**
 * Gives a file that is written and synced its name: a reader sees nothing or the whole file, also after a crash. Missing
 * folders are made, for the owner alone.
 *
 * @throws GraftError WRITE_FAILED
 */
export const renameDurably = (from: string, to: string): void =>
  writing(to, () => {
    const folder = dirname(to);
    const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
    renameSync(from, to);
    syncFolder(folder);
    if (made === undefined) return;
    for (let inside = folder; inside !== dirname(made); inside = dirname(inside)) syncFolder(dirname(inside));
  });

/** The bytes of the chunks; each piece is valid until the next is asked for. */
export function* piecesOf(chunks: readonly Chunk[]): Generator<Uint8Array> {
  for (const chunk of chunks)
    if (typeof chunk === 'string') yield Buffer.from(chunk);
    else if (chunk instanceof Uint8Array) yield chunk;
    else yield* chunk;
}

/** Writes all of it, however often that needs a call. */
export function writeAll(descriptor: number, chunks: readonly Chunk[]): void {
  for (const piece of piecesOf(chunks))
    for (let rest = piece; rest.length > 0; ) rest = rest.subarray(writevSync(descriptor, [rest]));
}

/** Adds to the end of a file, which is made where it is missing. @throws GraftError WRITE_FAILED */
export const appendText = (path: string, text: string): void =>
  writing(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    appendFileSync(path, text);
  });

/**
 * What `writeSecret` wrote; undefined where there is no such file.
 *
 * @throws GraftError SECRET_EXPOSED where others than the owner may read it, on systems that know owners
 */
export function readSecret(path: string): Buffer | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return undefined;
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0)
    throw fileError('SECRET_EXPOSED', { file: path, mode: (found.mode & 0o777).toString(8).padStart(4, '0') });
  return readFileSync(path);
}

/** A temporary file that could not even be made (a folder that is a file) cannot be removed either. */
function remove(temporary: string): void {
  try {
    rmSync(temporary, { force: true });
  } catch {
    // The reason that matters is the one that writing failed for.
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
