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
  const padded = yield* padToZeroOne(mask, shape, box); // [depth + 1, height + 1, width + 1]
  const stride = width + 1;
  const plane = stride * (height + 1);
  const codes = new Uint8Array(depth * height * width);
  let count = 0;
  for (let z = 0, corner = 0; z < depth; z++) {
    yield pause;
    for (let y = 0; y < height; y++) {
      let voxel = z * plane + y * stride;
      // The four voxels around the corner row, as the even bits of a code: on this side of the corner and beyond it.
      let near = 0;
      for (let x = 0; x < width; x++, corner++) {
        voxel++;
        const beyond =
          padded[voxel]! |
          (padded[voxel + stride]! << 2) |
          (padded[voxel + plane]! << 4) |
          (padded[voxel + plane + stride]! << 6);
        const code = near | (beyond << 1);
        near = beyond;
        if (code === 0 || code === 255) continue;
        codes[corner] = code;
        count++;
      }
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

/** The box of the mask as zeros and ones with a layer of zeros all around. */
function* padToZeroOne(mask: Uint8Array, shape: readonly number[], { from, to }: Box): Pausing<Uint8Array> {
  const [, height, width] = shape as [number, number, number];
  const boxHeight = to[1] - from[1] + 2;
  const boxWidth = to[2] - from[2] + 2;
  const padded = new Uint8Array((to[0] - from[0] + 2) * boxHeight * boxWidth);
  for (let z = from[0]; z < to[0]; z++) {
    yield pause;
    for (let y = from[1]; y < to[1]; y++) {
      const source = (z * height + y) * width;
      const target = ((z - from[0] + 1) * boxHeight + y - from[1] + 1) * boxWidth + 1 - from[2];
      for (let x = from[2]; x < to[2]; x++) padded[target + x] = mask[source + x] === 0 ? 0 : 1;
    }
  }
  return padded;
}
