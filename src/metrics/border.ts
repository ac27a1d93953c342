/**
 * Where the surface of a mask is: the corners between voxels around which some voxels are inside and some are not.
 *
 * Two masks are compared on the corner grid of their common bounding box; whatever lies outside the box is outside both.
 * So a mask that touches the edge of its volume is closed there.
 */
import { type Pausing, pause } from '../core/index.js';
import { wordsOf } from './words.js';

/** First and last + 1 index in each of [z, y, x]. */
export interface Box {
  from: [number, number, number];
  to: [number, number, number];
}

/** The smallest box that holds every non-zero voxel of both masks, uint8 [z, y, x]; undefined when there is none. */
export function* boundingBox(
  truth: Uint8Array,
  prediction: Uint8Array,
  shape: readonly number[],
): Pausing<Box | undefined> {
  const [depth, height, width] = shape as [number, number, number];
  const from: Box['from'] = [depth, height, width];
  const to: Box['to'] = [0, 0, 0];
  const words = [wordsOf(truth), wordsOf(prediction)] as const;
  for (let z = 0, row = 0; z < depth; z++) {
    yield pause;
    for (let y = 0; y < height; y++, row += width) {
      const first = firstInside(truth, prediction, words, row, row + width);
      if (first === row + width) continue;
      const end = lastInside(truth, prediction, words, row + width) + 1;
      from[0] = Math.min(from[0], z);
      to[0] = z + 1;
      from[1] = Math.min(from[1], y);
      to[1] = Math.max(to[1], y + 1);
      from[2] = Math.min(from[2], first - row);
      to[2] = Math.max(to[2], end - row);
    }
  }
  return to[0] === 0 ? undefined : { from, to };
}

type Words = readonly [Int32Array, Int32Array];

/** The first voxel of a range that is inside one of two masks; `to` without one. */
function firstInside(a: Uint8Array, b: Uint8Array, [fours, others]: Words, from: number, to: number): number {
  let i = from;
  while (i < to && (a[i]! | b[i]!) === 0)
    i += i % 4 === 0 && i + 4 <= to && (fours[i / 4]! | others[i / 4]!) === 0 ? 4 : 1;
  return i;
}

/** The last voxel before `to` that is inside one of two masks, where there is one. */
function lastInside(a: Uint8Array, b: Uint8Array, [fours, others]: Words, to: number): number {
  let i = to - 1;
  while ((a[i]! | b[i]!) === 0) i -= i % 4 === 3 && (fours[(i - 3) / 4]! | others[(i - 3) / 4]!) === 0 ? 4 : 1;
  return i;
}

/** The surface of one mask on a grid of corners. */
export interface Border {
  /** The corners on the surface as rising indices into the grid [z, y, x]. */
  points: Int32Array;
  /** Their neighbourhood codes (see surfels), uint8. */
  codes: Uint8Array;
}

/**
 * @param mask uint8 [z, y, x], non-zero = inside
 * @param shape of the mask
 * @param box the region; one corner more than voxels along each axis
 */
export function* borderOf(mask: Uint8Array, shape: readonly number[], box: Box): Pausing<Border> {
  const [depth, height, width] = cornerShape(box);
  const plane = height * width;
  // Corners are looked at four at a time.
  let [below, above] = [new Int32Array(Math.ceil(plane / 4)), new Int32Array(Math.ceil(plane / 4))];
  let points = new Int32Array(plane);
  let codes = new Uint8Array(plane);
  let count = 0;
  for (let z = 0; z < depth; z++) {
    yield pause;
    [below, above] = [above, below];
    pairsOfRows(mask, shape, box, z, new Uint8Array(above.buffer));
    if (points.length < count + plane) {
      points = enlarged(points);
      codes = enlarged(codes);
    }
    count = cornersBetween(below, above, z * plane, points, codes, count);
  }
  return { points: points.slice(0, count), codes: codes.slice(0, count) };
}

/**
 * The corners of a slice that the surface passes, written behind the others.
 * @param below, above the slice: `pairsOfRows`, four corners a word
 * @param first index of the slice's first corner
 * @param count of those before
 * @returns the new count
 */
function cornersBetween(
  below: Int32Array,
  above: Int32Array,
  first: number,
  points: Int32Array,
  codes: Uint8Array,
  count: number,
): number {
  // The four voxels around the corner row, as the even bits of a code: on this side of the corner and beyond it. Beyond the
  // last corner of a row nothing is inside, and so on this side of the next row's first.
  let near = 0;
  for (let word = 0; word < above.length; word++) {
    let four = below[word]! | (above[word]! << 4);
    if ((four === 0 && near === 0) || (four === 0x55555555 && near === 0x55)) continue;
    for (let corner = first + 4 * word, end = corner + 4; corner < end; corner++, four >>= 8) {
      const beyond = four & 255;
      const code = near | (beyond << 1);
      near = beyond;
      if (code === 0 || code === 255) continue;
      points[count] = corner;
      codes[count++] = code;
    }
  }
  return count;
}

/** The same values with room for as many again. */
function enlarged<Values extends Int32Array | Uint8Array>(values: Values): Values {
  const larger = new (values.constructor as new (length: number) => Values)(2 * values.length);
  larger.set(values);
  return larger;
}

/** The number of corners along [z, y, x]. */
export function cornerShape({ from, to }: Box): [number, number, number] {
  return [to[0] - from[0] + 1, to[1] - from[1] + 1, to[2] - from[2] + 1];
}

/**
 * The voxels beyond the corners of a slice of the box, those of the row before and of their own row as bits 0 and 2.
 * @param into uint8 [y, x] of the corners
 */
function pairsOfRows(
  mask: Uint8Array,
  shape: readonly number[],
  { from, to }: Box,
  slice: number,
  into: Uint8Array,
): void {
  const [, height, width] = shape as [number, number, number];
  const corners = to[2] - from[2] + 1;
  into.fill(0);
  const z = from[0] + slice;
  if (z === to[0]) return;
  for (let y = from[1]; y < to[1]; y++) {
    const source = (z * height + y) * width;
    const target = (y - from[1]) * corners - from[2];
    for (let x = from[2]; x < to[2]; x++) {
      if (mask[source + x] === 0) continue;
      into[target + x]! |= 4;
      into[target + corners + x] = 1;
    }
  }
}
