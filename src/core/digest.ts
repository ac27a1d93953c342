/** The digest that files are known by. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** What is read at once; the same memory for all files. */
const piece = Buffer.alloc(2 ** 18);

/** SHA-256 of a file's bytes, read in pieces: checkpoints may be larger than a buffer. */
export function sha256(file: string): string {
  const hash = createHash('sha256');
  const descriptor = openSync(file, 'r');
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
