/** Small masks for the tests. */
import { random } from '../../src/core/index.js';

export type Triple = [number, number, number];

export function emptyMask(shape: Triple): Uint8Array {
  return new Uint8Array(shape[0] * shape[1] * shape[2]);
}

/** A mask of the given shape with the box [from, to) inside. */
export function boxMask(shape: Triple, from: Triple, to: Triple): Uint8Array {
  const mask = emptyMask(shape);
  for (let z = from[0]; z < to[0]; z++)
    for (let y = from[1]; y < to[1]; y++)
      mask.fill(1, (z * shape[1] + y) * shape[2] + from[2], (z * shape[1] + y) * shape[2] + to[2]);
  return mask;
}

/** Every voxel inside with the given probability. */
export function noiseMask(shape: Triple, density: number, seed: number): Uint8Array {
  const draws = random(seed, 'mask');
  return emptyMask(shape).map(() => (draws.chance(density) ? 1 : 0));
}
