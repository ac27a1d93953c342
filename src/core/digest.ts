/** The digest that files are known by. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What is read at once; the same memory for all files. */
const piece = Buffer.alloc(2 ** 18);

/**
 * SHA-256 of a file's bytes, read in pieces: checkpoints may be larger than a buffer. Of a folder: of the names and digests
 * of all that is in it, in the order of the names.
 */
export function sha256(path: string): string {
  const hash = createHash('sha256');
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path).sort()) hash.update(`${name} ${sha256(join(path, name))}\n`);
    return hash.digest('hex');
  }
  const descriptor = openSync(path, 'r');
  try {
    for (;;) {
      const count = readSync(descriptor, piece);
      if (count === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
}
