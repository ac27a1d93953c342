/** Where two masks disagree, and how far that is from the surface of the reference. */
import { inPieces, type Pausing } from '../core/index.js';
import { borderOf, boundingBox, cornerShape } from './border.js';
import { distancesBetween } from './distance-transform.js';

type Triple = readonly [number, number, number];

/**
 * For every voxel that exactly one of two masks has the distance of its lower corner from the reference's surface in mm,
 * Infinity where there is no reference; 0 elsewhere.
 *
 * @param truth uint8 [z, y, x], non-zero = inside
 * @param prediction uint8 [z, y, x], non-zero = inside
 * @param shape [z, y, x]
 * @param spacing [z, y, x] in mm
 */
export function* disagreement(
  truth: Uint8Array,
  prediction: Uint8Array,
  shape: Triple,
  spacing: Triple,
): Pausing<Float32Array> {
  const map = new Float32Array(truth.length);
  const box = yield* boundingBox(truth, prediction, shape);
  if (box === undefined) return map;
  const [, height, width] = shape;
  const corners = cornerShape(box);
  const [voxels, points]: number[][] = [[], []];
  yield* inPieces(truth.length, (from, to) => {
    for (let i = from; i < to; i++) {
      if ((truth[i] !== 0) === (prediction[i] !== 0)) continue;
      const [z, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
      voxels!.push(i);
      points!.push(((z - box.from[0]) * corners[1] + y - box.from[1]) * corners[2] + x - box.from[2]);
    }
  });
  const from = { codes: new Uint8Array(), points: Int32Array.from(points!) };
  const distances = yield* distancesBetween(from, yield* borderOf(truth, shape, box), corners, spacing);
  for (const [i, voxel] of voxels!.entries()) map[voxel] = distances[i]!;
  return map;
}
