/**
 * Random numbers by name: `random(seed, 'shuffle', epoch)` gives the same stream wherever and whenever it is asked for,
 * so nothing about randomness has to be saved in a checkpoint, and work can be done in any order.
 *
 * SHA-256 of the key seeds xoshiro128** (Blackman & Vigna, 2018). Tensors are filled by libtorch's generators, seeded
 * with `random(…).seed()`.
 */
import { createHash } from 'node:crypto';

export interface Random {
  /** A number in [0, 1). */
  uniform(low?: number, high?: number): number;
  /** A whole number in [0, below). */
  integer(below: number): number;
  /** A draw from the normal distribution. */
  normal(mean?: number, deviation?: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** The items in a new, random order. */
  shuffle<T>(items: readonly T[]): T[];
  /** A seed for a libtorch generator: a whole number in [0, 2^53). */
  seed(): number;
}

/**
 * The stream of random numbers that belongs to the key; equal keys give equal streams, whatever was drawn from others.
 *
 * @param key what the numbers are for, such as 'shuffle', the epoch
 */
export function random(seed: number, ...key: (string | number)[]): Random {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...key]))
    .digest();
  const s = new Uint32Array(4).map((_, i) => digest.readUInt32LE(4 * i));
  const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const next = () => {
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    return result;
  };
  const unit = () => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
  const stream: Random = {
    uniform: (low = 0, high = 1) => low + (high - low) * unit(),
    integer: (below) => Math.floor(unit() * below),
    // Box–Muller; 1 - u lies in (0, 1], so the logarithm is finite.
    normal: (mean = 0, deviation = 1) =>
      mean + deviation * Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    chance: (probability) => unit() < probability,
    shuffle: (items) => {
      const result = [...items];
      for (let i = result.length - 1; i > 0; i--) {
        const j = stream.integer(i + 1);
        [result[i], result[j]] = [result[j], result[i]];
      }
      return result;
    },
    seed: () => Math.floor(unit() * 2 ** 53),
  };
  return stream;
}
