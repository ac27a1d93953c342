/** Masks four voxels at a time. */

/**
 * @param mask uint8
 * @returns int32 of a quarter of its length, rounded up: voxels 4i to 4i + 3 are the bytes of word i; zero beyond the end
 */
export function wordsOf(mask: Uint8Array): Int32Array {
  const words = Math.ceil(mask.length / 4);
  if (mask.byteOffset % 4 === 0 && mask.length % 4 === 0) return new Int32Array(mask.buffer, mask.byteOffset, words);
  const padded = new Uint8Array(4 * words);
  padded.set(mask);
  return new Int32Array(padded.buffer);
}

/** A word with 1 in each byte that is not zero. */
export const insideOf = (word: number): number => ((((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word) >>> 7) & 0x01010101;

/** The sum of a word's bytes, if it is below 256. */
export const countOf = (inside: number): number => Math.imul(inside, 0x01010101) >>> 24;
