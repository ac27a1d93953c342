/**
 * Where a volume is not zero: programs that cut scans out of their surroundings leave zeros there (skull-stripped brains),
 * which should neither be scaled by nor be seen. What zeros enclose counts as inside (`scipy.ndimage.binary_fill_holes`).
 */
import { inPieces, type Pausing } from '../../core/index.js';
import type { Triple } from '../orientation.js';

interface Image {
  /** float32 or uint8 [z, y, x] */
  data: Float32Array | Uint8Array;
  shape: Triple;
}

/** First and last index along [z, y, x] of what is not zero; the whole volume where all of it is. */
export function* boxOfNonzero({ data, shape }: Image): Pausing<[Triple, Triple]> {
  const [, height, width] = shape;
  const low: Triple = [...shape];
  const high: Triple = [-1, -1, -1];
  yield* inPieces(data.length, (from, to) => {
    for (let i = from; i < to; i++) {
      if (data[i] === 0) continue;
      const place = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
      for (let axis = 0; axis < 3; axis++) {
        if (place[axis] < low[axis]) low[axis] = place[axis];
        if (place[axis] > high[axis]) high[axis] = place[axis];
      }
    }
  });
  return high[0] < 0
    ? [
        [0, 0, 0],
        [shape[0] - 1, height - 1, width - 1],
      ]
    : [low, high];
}

/** 1 where the volume is not zero or zeros are enclosed, 0 where zeros reach a face of it: uint8 [z, y, x]. */
export function* insideOf({ data, shape: [depth, height, width] }: Image): Pausing<Uint8Array> {
  const inside = new Uint8Array(data.length).fill(1);
  const waiting: number[] = [];
  const visit = (i: number) => {
    if (inside[i] === 0 || data[i] !== 0) return;
    inside[i] = 0;
    waiting.push(i);
  };
  const plane = height * width;
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++) {
      const whole = z === 0 || z === depth - 1 || y === 0 || y === height - 1;
      for (let x = 0; x < width; x += whole ? 1 : Math.max(1, width - 1)) visit(z * plane + y * width + x);
    }
  // Each voxel waits once at most.
  yield* inPieces(data.length, (from, to) => {
    for (let count = from; count < to; count++) {
      const i = waiting.pop();
      if (i === undefined) return;
      const [x, y] = [i % width, Math.floor(i / width) % height];
      if (x > 0) visit(i - 1);
      if (x < width - 1) visit(i + 1);
      if (y > 0) visit(i - width);
      if (y < height - 1) visit(i + width);
      if (i >= plane) visit(i - plane);
      if (i + plane < data.length) visit(i + plane);
    }
  });
  return inside;
}
