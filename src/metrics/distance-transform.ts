/**
 * Exact Euclidean distance from the border points of one mask to the nearest border point of another.
 *
 * The squared distance separates by axis. First the steps along z to the nearest point are found for every column. Two
 * segmentations of one thing lie close together, so most points then find their nearest among the columns around them.
 * For a slice that holds a point that does not, the lower envelope of parabolas along y is computed (Felzenszwalb &
 * Huttenlocher, Theory of Computing 8, 2012), and along x a search outwards ends where x alone is too far.
 *
 * Squares are added in the order z, y, x everywhere, so equal ways give equal numbers.
 */
import { inPieces, type Pausing, pause } from '../core/index.js';
import type { Border } from './border.js';

type Triple = readonly [number, number, number];

/** Steps to a point that a column does not have; more than any volume has slices. */
const NONE = 65535;

/** Radius of the search among the columns around a point, in the smaller of the two spacings. */
const RADIUS = 12;

/**
 * @param from the points whose distance is wanted
 * @param to the points to which it is measured
 * @param shape [z, y, x] of the grid of both
 * @param spacing [z, y, x] in mm
 * @returns float64, mm, one number for each point of `from`; Infinity when `to` has no point
 */
export function* distancesBetween(from: Border, to: Border, shape: Triple, spacing: Triple): Pausing<Float64Array> {
  const distances = new Float64Array(from.points.length);
  if (to.points.length === 0) return distances.fill(Number.POSITIVE_INFINITY);
  const [, height, width] = shape;
  const plane = height * width;
  const steps = yield* stepsAlongZ(to.codes, plane);
  const disk = columnsAround(spacing);
  const exactUpTo = (RADIUS * Math.min(spacing[1], spacing[2])) ** 2;
  const squared = new Float64Array(plane); // of slice `computed`
  let computed = -1;
  let slice = 0;
  for (let i = 0; i < distances.length; i++) {
    const point = from.points[i]!;
    const z = Math.floor(point / plane);
    if (z !== slice) yield pause;
    slice = z;
    let least = z === computed ? Number.POSITIVE_INFINITY : leastAround(steps, point, shape, spacing[0], disk);
    if (least > exactUpTo) {
      if (z !== computed) squaredInSlice(steps.subarray(z * plane, (z + 1) * plane), shape, spacing, squared);
      computed = z;
      least = leastAlongX(squared, point - z * plane, width, spacing[2]);
    }
    distances[i] = Math.sqrt(least);
  }
  return distances;
}

/** Slices between each corner and the nearest point above or below it; NONE where the column holds no point. */
function* stepsAlongZ(points: Uint8Array, plane: number): Pausing<Uint16Array> {
  const steps = new Uint16Array(points.length);
  for (let i = 0; i < plane; i++) steps[i] = points[i] !== 0 ? 0 : NONE;
  yield* inPieces(steps.length - plane, (start, end) => {
    for (let i = start; i < end; i++) steps[i + plane] = points[i + plane] !== 0 ? 0 : Math.min(steps[i]! + 1, NONE);
  });
  const last = steps.length - plane;
  yield* inPieces(last, (start, end) => {
    for (let i = last - 1 - start; i >= last - end; i--) {
      const after = steps[i + plane]!;
      if (after < steps[i]!) steps[i] = after + 1;
    }
  });
  return steps;
}

/** A column beside a point: rows and corners away, and the squares of these ways in mm². */
interface Neighbour {
  dy: number;
  dx: number;
  alongY: number;
  alongX: number;
}

/** The columns within the radius, the nearest first. */
function columnsAround([, stepY, stepX]: Triple): Neighbour[] {
  const radius = RADIUS * Math.min(stepY, stepX);
  const columns: Neighbour[] = [];
  for (let dy = -RADIUS; dy <= RADIUS; dy++)
    for (let dx = -RADIUS; dx <= RADIUS; dx++) {
      const [alongY, alongX] = [dy * stepY * (dy * stepY), dx * stepX * (dx * stepX)];
      if (alongY + alongX <= radius * radius) columns.push({ dy, dx, alongY, alongX });
    }
  return columns.sort((a, b) => a.alongY + a.alongX - b.alongY - b.alongX);
}

/** The least squared distance through the columns around a point: exact if within the radius. */
function leastAround(
  steps: Uint16Array,
  point: number,
  [, height, width]: Triple,
  stepZ: number,
  columns: Neighbour[],
): number {
  const x = point % width;
  const y = Math.floor(point / width) % height;
  let least = Number.POSITIVE_INFINITY;
  for (const { dy, dx, alongY, alongX } of columns) {
    if (alongY + alongX >= least) break;
    if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
    const found = steps[point + dy * width + dx]!;
    if (found !== NONE) least = Math.min(least, found * stepZ * (found * stepZ) + alongY + alongX);
  }
  return least;
}

/** The least of `squared` plus the squared way to it along the row of a point. */
function leastAlongX(squared: Float64Array, point: number, width: number, stepX: number): number {
  const x = point % width;
  const farthest = Math.max(x, width - 1 - x);
  let least = squared[point]!;
  for (let dx = 1; dx <= farthest; dx++) {
    const alongX = dx * stepX * (dx * stepX);
    if (alongX >= least) break;
    if (dx <= x) least = Math.min(least, squared[point - dx]! + alongX);
    if (x + dx < width) least = Math.min(least, squared[point + dx]! + alongX);
  }
  return least;
}

/** Squared distance to the nearest point with the same x, for every corner of one slice, into `squared` [y, x]. */
function squaredInSlice(
  steps: Uint16Array,
  [, height, width]: Triple,
  [stepZ, stepY]: Triple,
  squared: Float64Array,
): void {
  // The lower envelope of a column: parabola k has its vertex at rows[k], heights[k], and is lowest from starts[k] on.
  const rows = new Int32Array(height);
  const heights = new Float64Array(height);
  const starts = new Float64Array(height);
  for (let x = 0; x < width; x++) {
    let last = -1;
    for (let y = 0, i = x; y < height; y++, i += width) {
      if (steps[i] === NONE) continue;
      const alongZ = steps[i]! * stepZ * (steps[i]! * stepZ);
      let start = Number.NEGATIVE_INFINITY;
      for (; last >= 0; last--) {
        const previous = rows[last]!;
        start = (alongZ - heights[last]!) / (2 * stepY * stepY * (y - previous)) + (y + previous) / 2;
        if (start > starts[last]!) break;
      }
      last++;
      rows[last] = y;
      heights[last] = alongZ;
      starts[last] = last === 0 ? Number.NEGATIVE_INFINITY : start;
    }
    for (let y = 0, i = x, k = 0; y < height; y++, i += width) {
      while (k < last && starts[k + 1]! < y) k++;
      const alongY = (y - rows[k]!) * stepY;
      squared[i] = last < 0 ? Number.POSITIVE_INFINITY : heights[k]! + alongY * alongY;
    }
  }
}
