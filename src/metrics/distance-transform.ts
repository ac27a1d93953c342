/**
 * Exact Euclidean distance from the border points of one mask to the nearest border point of another.
 *
 * The squared distance separates by axis. Slice after slice, every column knows its nearest point along z (`Columns`). Two
 * segmentations of one thing lie close together, so most points then find their nearest among the columns around them.
 * For a slice that holds a point that does not, the lower envelope of parabolas along y is computed (Felzenszwalb &
 * Huttenlocher, Theory of Computing 8, 2012), and along x a search outwards ends where x alone is too far.
 *
 * Squares are added in the order z, y, x everywhere, so equal ways give equal numbers.
 */
import { type Pausing, pause } from '../core/index.js';
import type { Border } from './border.js';

type Triple = readonly [number, number, number];

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
  const columns = new Columns(to.points, shape);
  const disk = columnsAround(spacing, columns.stride);
  const exactUpTo = (RADIUS * Math.min(spacing[1], spacing[2])) ** 2;
  const squared = new Float64Array(plane); // of slice `computed`
  let computed = -1;
  for (let i = 0; i < distances.length; i++) {
    const point = from.points[i]!;
    if (point >= columns.end) {
      yield pause;
      columns.moveTo(Math.floor(point / plane));
    }
    const { slice } = columns;
    const place = point - slice * plane;
    let least = slice === computed ? Number.POSITIVE_INFINITY : leastAround(columns, place, spacing[0], disk);
    if (least > exactUpTo) {
      if (slice !== computed) squaredInSlice(columns, shape, spacing, squared);
      computed = slice;
      least = leastAlongX(squared, place, width, spacing[2]);
    }
    distances[i] = Math.sqrt(least);
  }
  return distances;
}

/**
 * The nearest points above and below a slice in every column. They change only where a point lies, so moving from slice to slice
 * costs as much as there are points. Around the columns is a margin of empty ones, as wide as the radius.
 */
class Columns {
  readonly #width: number;
  readonly #plane: number;
  readonly #points: Int32Array;
  /** For each point its column, and the slice of the next point there. */
  readonly #columns: Int32Array;
  readonly #following: Float32Array;
  /** For each column the slice of the last point before `slice`, and that of the first one from there; infinite without one. */
  readonly #before: Float32Array;
  readonly #after: Float32Array;
  /** Points that lie before `slice`. */
  #passed = 0;
  /** Columns from one row to the next. */
  readonly stride: number;
  slice = 0;

  constructor(points: Int32Array, [, height, width]: Triple) {
    this.#width = width;
    this.#plane = height * width;
    this.#points = points;
    this.stride = width + 2 * RADIUS;
    const count = this.stride * (height + 2 * RADIUS);
    this.#columns = new Int32Array(points.length);
    this.#following = new Float32Array(points.length);
    this.#before = new Float32Array(count).fill(Number.NEGATIVE_INFINITY);
    this.#after = new Float32Array(count).fill(Number.POSITIVE_INFINITY);
    for (let i = points.length - 1; i >= 0; i--) {
      const slice = Math.floor(points[i]! / this.#plane);
      const column = this.columnOf(points[i]! - slice * this.#plane);
      this.#columns[i] = column;
      this.#following[i] = this.#after[column]!;
      this.#after[column] = slice;
    }
  }
  /** The first corner beyond the slice. */
  get end(): number {
    return (this.slice + 1) * this.#plane;
  }
  /** @param place index into a slice */
  columnOf(place: number): number {
    const y = Math.floor(place / this.#width);
    return place + (y + RADIUS) * 2 * RADIUS + RADIUS + RADIUS * this.#width;
  }
  /** Goes on to a later slice. */
  moveTo(slice: number): void {
    for (; this.slice < slice; this.slice++)
      for (let i = this.#passed; i < this.#points.length && this.#points[i]! < this.end; i = ++this.#passed) {
        this.#before[this.#columns[i]!] = this.slice;
        this.#after[this.#columns[i]!] = this.#following[i]!;
      }
  }
  /** Slices to the nearest point of a column. */
  steps(column: number): number {
    return Math.min(this.slice - this.#before[column]!, this.#after[column]! - this.slice);
  }
}

/** The columns around a point: how much further their indices are, and the squares of the ways to them in mm². */
interface Disk {
  offsets: Int32Array;
  alongY: Float64Array;
  alongX: Float64Array;
}

/** The columns within the radius, the nearest first. */
function columnsAround([, stepY, stepX]: Triple, stride: number): Disk {
  const radius = RADIUS * Math.min(stepY, stepX);
  const columns: { offset: number; alongY: number; alongX: number }[] = [];
  for (let dy = -RADIUS; dy <= RADIUS; dy++)
    for (let dx = -RADIUS; dx <= RADIUS; dx++) {
      const [alongY, alongX] = [dy * stepY * (dy * stepY), dx * stepX * (dx * stepX)];
      if (alongY + alongX <= radius * radius) columns.push({ offset: dy * stride + dx, alongY, alongX });
    }
  columns.sort((a, b) => a.alongY + a.alongX - b.alongY - b.alongX);
  return {
    offsets: Int32Array.from(columns, ({ offset }) => offset),
    alongY: Float64Array.from(columns, ({ alongY }) => alongY),
    alongX: Float64Array.from(columns, ({ alongX }) => alongX),
  };
}

/** The least squared distance through the columns around a point: exact if within the radius. */
function leastAround(columns: Columns, place: number, stepZ: number, { offsets, alongY, alongX }: Disk): number {
  const column = columns.columnOf(place);
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < offsets.length && alongY[k]! + alongX[k]! < least; k++) {
    const alongZ = columns.steps(column + offsets[k]!) * stepZ;
    least = Math.min(least, alongZ * alongZ + alongY[k]! + alongX[k]!);
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

/** Squared distance to the nearest point with the same x, for every corner of the columns' slice, into `squared` [y, x]. */
function squaredInSlice(
  columns: Columns,
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
    for (let y = 0, column = columns.columnOf(x); y < height; y++, column += columns.stride) {
      const steps = columns.steps(column);
      if (steps === Number.POSITIVE_INFINITY) continue;
      const alongZ = steps * stepZ * (steps * stepZ);
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
