/**
 * The distances from each of two surfaces to the other: what surface Dice, Hausdorff and average distances are made of.
 *
 * Definition: Nikolov et al., "Deep learning to achieve clinically applicable segmentation of head and neck anatomy",
 * arXiv:1809.04430. A surface element sits at a corner between voxels, has the area that marching cubes gives it, and its
 * distance is to the nearest corner of the other surface.
 */
import { inPieces, type Pausing, runWithoutPauses } from '../core/index.js';
import { type Border, borderOf, boundingBox, cornerShape } from './border.js';
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
  if (box === undefined) return { truthToPrediction: noElements(), predictionToTruth: noElements() };
  const corners = cornerShape(box);
  const areas = surfelAreas(spacing);
  const there = yield* borderOf(truth, shape, box);
  const back = yield* borderOf(prediction, shape, box);
  return {
    truthToPrediction: yield* sortElements(yield* distancesBetween(there, back, corners, spacing), there, areas),
    predictionToTruth: yield* sortElements(yield* distancesBetween(back, there, corners, spacing), back, areas),
  };
}

const noElements = (): SurfaceElements => ({ distances: new Float64Array(), areas: new Float64Array() });

/** Sorts by (distance, area). Both take few values, so elements are counted instead of compared. */
function* sortElements(
  distances: Float64Array,
  { codes, points }: Border,
  areaOfCode: Float64Array,
): Pausing<SurfaceElements> {
  const areaLevels = Float64Array.from(new Set(areaOfCode)).sort();
  const levelOfCode = Uint8Array.from(areaOfCode, (area) => areaLevels.indexOf(area));
  const byDistance = new Map<number, Uint32Array>(); // for each distance, how many elements of each area
  yield* inPieces(points.length, (from, to) => {
    for (let i = from; i < to; i++) {
      let counts = byDistance.get(distances[i]!);
      if (counts === undefined) {
        counts = new Uint32Array(areaLevels.length);
        byDistance.set(distances[i]!, counts);
      }
      counts[levelOfCode[codes[points[i]!]!]!]!++;
    }
  });
  const sorted = { distances: new Float64Array(points.length), areas: new Float64Array(points.length) };
  let from = 0;
  for (const distance of Float64Array.from(byDistance.keys()).sort())
    for (const [level, count] of byDistance.get(distance)!.entries()) {
      sorted.distances.fill(distance, from, from + count);
      sorted.areas.fill(areaLevels[level]!, from, from + count);
      from += count;
    }
  return sorted;
}
