/**
 * Which way a volume lies: the axis permutation and flips that bring stored voxels to RAS (x to the Right, y to Anterior,
 * z to Superior), and the affine that results.
 *
 * An oblique volume gets the closest axes: of the six permutations, the one whose direction cosines add up to most. This
 * is the answer of nibabel's `io_orientation`, which assigns axis by axis; the two can differ only where axes are nearly
 * 45 degrees oblique. Nothing is interpolated: the affine keeps the obliqueness.
 */

export type Triple = [number, number, number];

export interface Orientation {
  /** For each world axis (x, y, z) the stored axis that runs along it. */
  axes: Triple;
  /** Whether that stored axis runs against the world axis (to the Left, Posterior or Inferior). */
  flips: [boolean, boolean, boolean];
}

const permutations: Triple[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** A column of the affine's 3x3 part: where one step along that voxel axis leads, in mm. */
export const column = (affine: readonly number[], axis: number): Triple => [
  affine[axis],
  affine[4 + axis],
  affine[8 + axis],
];

/** Lengths of one step along each voxel axis (x, y, z), in mm. */
export const spacingOf = (affine: readonly number[]): Triple => [
  Math.hypot(...column(affine, 0)),
  Math.hypot(...column(affine, 1)),
  Math.hypot(...column(affine, 2)),
];

/** Why the 4x4 row-major affine cannot place voxels in a room, or undefined if it can. */
export function affineFault(affine: readonly number[]): string | undefined {
  if (!affine.every(Number.isFinite)) return 'numbers that are not finite';
  const spacing = spacingOf(affine);
  if (spacing.some((step) => step < 1e-6 || step > 1e6)) return `a spacing of ${spacing.join(' x ')} mm`;
  if (Math.abs(determinant(affine)) < 1e-3 * spacing[0] * spacing[1] * spacing[2]) return 'axes that lie in one plane';
  return undefined;
}

/** Determinant of the 3x3 part. */
export function determinant(affine: readonly number[]): number {
  const [a, b, c] = [column(affine, 0), column(affine, 1), column(affine, 2)];
  return a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) + c[0] * (a[1] * b[2] - a[2] * b[1]);
}

/** The closest axes of a stored volume, from its affine (4x4 row-major, stored voxel index -> RAS world mm). */
export function orientationOf(affine: readonly number[]): Orientation {
  const spacing = spacingOf(affine);
  const cosine = (world: number, stored: number) => affine[4 * world + stored] / spacing[stored];
  const fit = (axes: Triple) => axes.reduce((sum, stored, world) => sum + Math.abs(cosine(world, stored)), 0);
  const axes = permutations.reduce((best, other) => (fit(other) > fit(best) ? other : best));
  return { axes, flips: [cosine(0, axes[0]) < 0, cosine(1, axes[1]) < 0, cosine(2, axes[2]) < 0] };
}

/** Voxels of the reoriented volume along (x, y, z). */
export const rasSize = (dims: Triple, { axes }: Orientation): Triple => [dims[axes[0]], dims[axes[1]], dims[axes[2]]];

/**
 * Where stored voxels lie in the reoriented array [z, y, x]: stored voxel (x, y, z) is its element
 * `start + x * step[0] + y * step[1] + z * step[2]`.
 *
 * @param dims stored voxels along (x, y, z).
 */
export function rasPlaces(dims: Triple, { axes, flips }: Orientation): { start: number; step: Triple } {
  const size = rasSize(dims, { axes, flips });
  const stride = [1, size[0], size[0] * size[1]];
  const step: Triple = [0, 0, 0];
  let start = 0;
  axes.forEach((stored, world) => {
    step[stored] = flips[world] ? -stride[world] : stride[world];
    if (flips[world]) start += (size[world] - 1) * stride[world];
  });
  return { start, step };
}

/** The stored voxel (x, y, z) that is the given element of the reoriented array [z, y, x]. */
export function storedVoxel(dims: Triple, { axes, flips }: Orientation, element: number): Triple {
  const size = rasSize(dims, { axes, flips });
  const ras = [element % size[0], Math.floor(element / size[0]) % size[1], Math.floor(element / (size[0] * size[1]))];
  const voxel: Triple = [0, 0, 0];
  axes.forEach((stored, world) => {
    voxel[stored] = flips[world] ? size[world] - 1 - ras[world] : ras[world];
  });
  return voxel;
}

/** The affine of the reoriented volume: RAS voxel index (x, y, z) -> the same world point as before. */
export function rasAffine(affine: readonly number[], dims: Triple, { axes, flips }: Orientation): number[] {
  const result = [...affine]; // the last row stays 0 0 0 1
  for (let row = 0; row < 3; row++) {
    for (let world = 0; world < 3; world++) {
      const step = affine[4 * row + axes[world]];
      result[4 * row + world] = flips[world] ? -step : step;
      if (flips[world]) result[4 * row + 3] += (dims[axes[world]] - 1) * step;
    }
  }
  return result;
}

/** The affine of the stored volume again: what `rasAffine` was given. */
export function storedAffine(affine: readonly number[], dims: Triple, { axes, flips }: Orientation): number[] {
  const result = [...affine];
  for (let row = 0; row < 3; row++) {
    for (let world = 0; world < 3; world++) {
      const step = affine[4 * row + world];
      result[4 * row + axes[world]] = flips[world] ? -step : step;
      if (flips[world]) result[4 * row + 3] += (dims[axes[world]] - 1) * step;
    }
  }
  return result;
}
