/**
 * The distances from each of two surfaces to the other: what surface Dice, Hausdorff and average distances are made of.
 *
 * Definition: Nikolov et al., "Deep learning to achieve clinically applicable segmentation of head and neck anatomy",
 * arXiv:1809.04430. A surface element sits at a corner between voxels, has the area that marching cubes gives it, and its
 * distance is to the nearest corner of the other surface.
 */
import { inPieces, type Pausing, pause, runWithoutPauses } from '../core/index.js';
import { type Border, type Box, borderOf, boundingBox, cornerShape } from './border.js';
import { distancesBetween } from './distance-transform.js';
import { assertShape, assertSpacing } from './errors.js';
import { surfelAreas } from './surfels.js';

/** The elements of one surface, by rising (distance, area). Both arrays are float64 of the same length. */
export interface SurfaceElements {
  /** mm to the other surface; Infinity when the other mask is empty. */
  distances: Float64Array;
  /** mm² */
  areas: Float64Array;
}

export interface SurfaceDistances {
  /** The elements of the true surface and how far the predicted one is; empty when the true mask is. */
  truthToPrediction: SurfaceElements;
  /** The elements of the predicted surface and how far the true one is; empty when the predicted mask is. */
  predictionToTruth: SurfaceElements;
  /**
   * Mean signed distance of the predicted surface from the true one, in mm: the sum of area × ± distance over the elements of
   * the predicted surface, by their whole area; + where an element lies outside the true mask, - inside. 0 when both masks are
   * empty, NaN when one is.
   */
  boundaryBias: number;
}

/**
 * Measures two masks on the same grid.
 *
 * @param truth uint8 [z, y, x], non-zero = inside
 * @param prediction uint8 [z, y, x], non-zero = inside
 * @param shape [z, y, x]
 * @param spacing [z, y, x] in mm
 * @throws GraftError MASK_SHAPE_MISMATCH, SPACING_INVALID
 */
export const surfaceDistances = (
  truth: Uint8Array,
  prediction: Uint8Array,
  shape: readonly [number, number, number],
  spacing: readonly [number, number, number],
): SurfaceDistances => runWithoutPauses(surfaceDistancesWithPauses(truth, prediction, shape, spacing));

/** `surfaceDistances` as work that can be interrupted. */
export function* surfaceDistancesWithPauses(
  truth: Uint8Array,
  prediction: Uint8Array,
  shape: readonly [number, number, number],
  spacing: readonly [number, number, number],
): Pausing<SurfaceDistances> {
  assertShape(truth, 'reference mask', shape);
  assertShape(prediction, 'prediction', shape);
  assertSpacing(spacing);
  const box = yield* boundingBox(truth, prediction, shape);
  if (box === undefined) return { truthToPrediction: noElements(), predictionToTruth: noElements(), boundaryBias: 0 };
  const corners = cornerShape(box);
  const areas = surfelAreas(spacing);
  const there = yield* borderOf(truth, shape, box);
  const back = yield* borderOf(prediction, shape, box);
  const truthToPrediction = yield* sortElements(yield* distancesBetween(there, back, corners, spacing), there, areas);
  const distances = yield* distancesBetween(back, there, corners, spacing);
  const inTruth = (corner: number) => (truth[voxelBeyond(corner, shape, box)] ?? 0) !== 0;
  return {
    truthToPrediction,
    predictionToTruth: yield* sortElements(distances, back, areas),
    boundaryBias: there.points.length === 0 ? Number.NaN : yield* signedMean(distances, back, areas, inTruth),
  };
}

/** By area, those inside negative; NaN without elements. */
function* signedMean(
  distances: Float64Array,
  { codes, points }: Border,
  areaOfCode: Float64Array,
  inside: (corner: number) => boolean,
): Pausing<number> {
  let [sum, total] = [0, 0];
  yield* inPieces(points.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const corner = points[i]!;
      const area = areaOfCode[codes[i]!]!;
      total += area;
      sum += inside(corner) ? -area * distances[i]! : area * distances[i]!;
    }
  });
  return sum / total;
}

/**
 * A voxel at a corner, as an index into the mask; of a corner off the surface all eight are alike. Beyond the box, where
 * nothing is inside, an index that no mask has.
 */
function voxelBeyond(corner: number, [, height, width]: readonly [number, number, number], { from, to }: Box): number {
  const [rows, columns] = [to[1] - from[1] + 1, to[2] - from[2] + 1];
  const x = from[2] + (corner % columns);
  const y = from[1] + (Math.floor(corner / columns) % rows);
  const z = from[0] + Math.floor(corner / (columns * rows));
  return x < to[2] && y < to[1] && z < to[0] ? (z * height + y) * width + x : -1;
}

/** Elements that are merged between two pauses. */
const STRETCH = 2 ** 16;

const noElements = (): SurfaceElements => ({ distances: new Float64Array(), areas: new Float64Array() });

/** Sorts by (distance, area). Areas take few values, so the distances of each are sorted as numbers, and merged. */
function* sortElements(
  distances: Float64Array,
  { codes, points }: Border,
  areaOfCode: Float64Array,
): Pausing<SurfaceElements> {
  const areaLevels = Float64Array.from(new Set(areaOfCode)).sort();
  const levelOfCode = Uint8Array.from(areaOfCode, (area) => areaLevels.indexOf(area));
  const counts = new Uint32Array(areaLevels.length);
  yield* inPieces(points.length, (from, to) => {
    for (let i = from; i < to; i++) counts[levelOfCode[codes[i]!]!]!++;
  });
  // Of each level a run of `grouped`, from `next` to `ends`.
  const grouped = new Float64Array(points.length);
  const ends = counts.map((_, level) => counts.subarray(0, level).reduce((sum, count) => sum + count, 0));
  const next = ends.slice();
  yield* inPieces(points.length, (from, to) => {
    for (let i = from; i < to; i++) grouped[ends[levelOfCode[codes[i]!]!]!++] = distances[i]!;
  });
  for (const [level, end] of ends.entries()) grouped.subarray(next[level], end).sort();
  const sorted = { distances: new Float64Array(points.length), areas: new Float64Array(points.length) };
  for (let i = 0; i < points.length; ) {
    yield pause;
    for (const until = Math.min(i + STRETCH, points.length); i < until; ) {
      let [nearest, least] = [-1, Number.POSITIVE_INFINITY];
      for (let level = 0; level < ends.length; level++) {
        const at = next[level]!;
        if (at < ends[level]! && (nearest < 0 || grouped[at]! < least)) [nearest, least] = [level, grouped[at]!];
      }
      // All of one distance and area at once: there are many of the small ones.
      const from = i;
      const end = ends[nearest]!;
      let at = next[nearest]!;
      for (; at < end && grouped[at] === least; at++) i++;
      next[nearest] = at;
      sorted.distances.fill(least, from, i);
      sorted.areas.fill(areaLevels[nearest]!, from, i);
    }
  }
  return sorted;
}
