/**
 * What is done to a mask after it was predicted, whatever predicted it: of each class the largest part alone, and what it
 * encloses. Parts are joined by faces, edges or corners of voxels; what lies inside is enclosed by their faces.
 */
import { z } from 'zod';
import { inPieces, type Pausing } from '../core/index.js';
import type { Triple } from './orientation.js';
import { insideOf } from './preprocess/index.js';

export const postprocessingSchema = z.strictObject({
  largest: z
    .boolean()
    .default(false)
    .describe('of each class the largest connected part is kept, for structures of which there is one'),
  fill: z.boolean().default(false).describe('background that one class encloses becomes that class'),
});
export type Postprocessing = z.output<typeof postprocessingSchema>;

/** Changes a mask in place. @param labels uint8 [z, y, x] */
export function* postprocess(labels: Uint8Array, shape: Triple, { largest, fill }: Postprocessing): Pausing<void> {
  if (largest) yield* keepLargest(labels, shape);
  if (fill) yield* fillEnclosed(labels, shape);
}

/** Of parts of one size the first along z, y and x. */
function* keepLargest(labels: Uint8Array, [depth, height, width]: Triple): Pausing<void> {
  /** Which part a voxel is of, from 1; 0 before it is known. */
  const parts = new Uint32Array(labels.length);
  const sizes = [0];
  const best: number[] = [];
  const waiting: number[] = [];
  const join = (i: number, part: number) => {
    parts[i] = part;
    sizes[part]++;
    waiting.push(i);
  };
  yield* inPieces(labels.length, (from, to) => {
    for (let first = from; first < to; first++) {
      const label = labels[first];
      if (label === 0 || parts[first] !== 0) continue;
      const part = sizes.push(0) - 1;
      join(first, part);
      for (let i = waiting.pop(); i !== undefined; i = waiting.pop()) {
        const [x, y, z] = [i % width, Math.floor(i / width) % height, Math.floor(i / (width * height))];
        for (let nz = Math.max(0, z - 1); nz <= Math.min(depth - 1, z + 1); nz++)
          for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
            for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
              const near = (nz * height + ny) * width + nx;
              if (parts[near] === 0 && labels[near] === label) join(near, part);
            }
      }
      if (sizes[part] > sizes[best[label] ?? 0]) best[label] = part;
    }
  });
  yield* inPieces(labels.length, (from, to) => {
    for (let i = from; i < to; i++) if (labels[i] !== 0 && parts[i] !== best[labels[i]]) labels[i] = 0;
  });
}

function* fillEnclosed(labels: Uint8Array, shape: Triple): Pausing<void> {
  for (const label of [...new Set(labels)].sort((a, b) => a - b)) {
    if (label === 0) continue;
    const inside = yield* insideOf({ data: labels.map((value) => (value === label ? 1 : 0)), shape });
    for (let i = 0; i < labels.length; i++) if (inside[i] === 1 && labels[i] === 0) labels[i] = label;
  }
}
