/**
 * Where the surface of a mask is: the corners between voxels around which some voxels are inside and some are not.
 *
 * Two masks are compared on the corner grid of their common bounding box; whatever lies outside the box is outside both.
 * So a mask that touches the edge of its volume is closed there.
 */
import { inPieces, type Pausing, pause } from '../core/index.js';

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
  for (let z = 0, row = 0; z < depth; z++) {
    yield pause;
    for (let y = 0; y < height; y++, row += width) {
      let first = 0;
      while (first < width && (truth[row + first]! | prediction[row + first]!) === 0) first++;
      if (first === width) continue;
      let end = width;
      while ((truth[row + end - 1]! | prediction[row + end - 1]!) === 0) end--;
      from[0] = Math.min(from[0], z);
      to[0] = z + 1;
      from[1] = Math.min(from[1], y);
      to[1] = Math.max(to[1], y + 1);
      from[2] = Math.min(from[2], first);
      to[2] = Math.max(to[2], end);
    }
  }
  return to[0] === 0 ? undefined : { from, to };
}

/** The surface of one mask on a grid of corners. */
export interface Border {
  /** Neighbourhood code (see surfels) of every corner, uint8 [z, y, x]; 0 where the surface does not pass. */
  codes: Uint8Array;
  /** The corners on the surface as rising indices into `codes`. */
  points: Int32Array;
}

/**
 * @param mask uint8 [z, y, x], non-zero = inside
 * @param shape of the mask
 * @param box the region; one corner more than voxels along each axis
 */
export function* borderOf(mask: Uint8Array, shape: readonly number[], box: Box): Pausing<Border> {
  const [depth, height, width] = cornerShape(box);
  const plane = height * width;
  const codes = new Uint8Array(depth * plane);
  let [below, above] = [new Uint8Array(plane), new Uint8Array(plane)];
  let count = 0;
  for (let z = 0, corner = 0; z < depth; z++) {
    yield pause;
    [below, above] = [above, below];
    pairsOfRows(mask, shape, box, z, above);
    // The four voxels around the corner row, as the even bits of a code: on this side of the corner and beyond it. Beyond the
    // last corner of a row nothing is inside, and so on this side of the next row's first.
    let near = 0;
    for (let i = 0; i < plane; i++, corner++) {
      const beyond = below[i]! | (above[i]! << 4);
      const code = near | (beyond << 1);
      near = beyond;
      if (code === 0 || code === 255) continue;
      codes[corner] = code;
      count++;
    }
  }
  const points = new Int32Array(count);
  let found = 0;
  yield* inPieces(codes.length, (from, to) => {
    for (let corner = from; corner < to; corner++) if (codes[corner] !== 0) points[found++] = corner;
  });
  return { codes, points };
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
