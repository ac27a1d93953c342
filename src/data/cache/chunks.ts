/** A file's bytes piece by piece: what is only looked at once need not lie in memory whole. */
import { closeSync, readSync } from 'node:fs';
import { openRegular } from '../../core/index.js';

const size = 2 ** 20;

/**
 * The bytes from `offset` to the end. Each piece lies in the same memory: it holds until the next is asked for.
 * @throws as `openRegular`
 */
export function* chunksOf(file: string, offset = 0): Generator<Uint8Array> {
  const { descriptor } = openRegular(file);
  try {
    const chunk = new Uint8Array(size);
    for (let at = offset; ; ) {
      const count = readSync(descriptor, chunk, 0, size, at);
      if (count === 0) return;
      yield chunk.subarray(0, count);
      at += count;
    }
  } finally {
    closeSync(descriptor);
  }
}
