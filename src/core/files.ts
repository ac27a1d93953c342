/** Files that are whole or absent: every result graft writes goes through `writeFileAtomic`. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writevSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorsOf } from './errors.js';

export const fileErrors = {
  WRITE_FAILED: {
    exit: 'system',
    message: '{file}: could not be written ({reason}).',
    hint: 'Nothing was left half-written. Free space or choose a folder you may write to, then run the same command with --resume.',
  },
} as const;
const fileError = errorsOf(fileErrors);

const reasons: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'the path is a folder',
};

/**
 * Writes the chunks one after another to a temporary file beside `path`, forces them to the disk and renames: a reader
 * sees the old file or the whole new one, also after a crash. Missing folders are made.
 *
 * @throws GraftError WRITE_FAILED with the reason; the temporary file is removed.
 */
export function writeFileAtomic(path: string, ...chunks: (Uint8Array | string)[]): void {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    mkdirSync(dirname(path), { recursive: true });
    const descriptor = openSync(temporary, 'wx');
    try {
      for (const chunk of chunks) {
        let rest: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        while (rest.length > 0) rest = rest.subarray(writevSync(descriptor, [rest]));
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    remove(temporary);
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw fileError('WRITE_FAILED', { file: path, reason: reasons[code] ?? (error as Error).message }, error);
  }
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
