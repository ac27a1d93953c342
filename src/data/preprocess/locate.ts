/** Where a place in a volume lies: from a file's voxels or millimetres to the RAS grid, and from there to its slices. */
import { column, determinant, type Triple } from '../orientation.js';
import type { Placed } from '../volume.js';
import { alongSlices, offsetOf, type SliceGeometry } from './geometry.js';

/** What the numbers of a place (x, y, z) are: voxels of the file, from 0, or millimetres of its world. */
export type Space = 'voxel' | 'mm';

/** @returns (x, y, z) in voxels of the RAS grid; whole numbers are voxels' centres */
export function placeOnGrid({ affine, grid }: Pick<Placed, 'affine' | 'grid'>, place: Triple, space: Space): Triple {
  if (space === 'mm') return invert(affine, place);
  const { axes, flips } = grid.orientation;
  const along = (world: number) => {
    const stored = axes[world];
    return flips[world] ? grid.dims[stored] - 1 - place[stored] : place[stored];
  };
  return [along(0), along(1), along(2)];
}

/** Cramer's rule on the affine (4x4 row-major). */
function invert(affine: readonly number[], place: Triple): Triple {
  const moved = place.map((value, row) => value - affine[4 * row + 3]);
  const whole = determinant(affine);
  const along = (axis: number) => {
    const columns = [0, 1, 2].map((one) => (one === axis ? moved : column(affine, one)));
    const replaced = [0, 1, 2].flatMap((row) => [...columns.map((values) => values[row]), 0]);
    return determinant(replaced) / whole;
  };
  return [along(0), along(1), along(2)];
}

/**
 * Where a place lies in the slices that `prepareVolume` makes.
 *
 * @param place (x, y, z) in voxels of the RAS grid
 * In `cornered` slices a place is scaled alone, without the half pixel that centres move by, as segment-anything scales
 * prompts (`ResizeLongestSide.apply_coords`).
 *
 * @returns the nearest slice, outside the slices' numbers where the preprocessing leaves it out, and (x, y) in its pixels; whole numbers are pixels' centres
 */
export function placeInSlices(geometry: SliceGeometry, [x, y, z]: Triple): { slice: number; pixel: [number, number] } {
  const { native, resampled, step, cornered } = geometry;
  const [slice, ...place] = alongSlices(geometry, [z, y, x]);
  const along = (i: 0 | 1) =>
    cornered
      ? place[i] / step[i]
      : (place[i] + 0.5 - native[i] / 2) / step[i] + resampled[i] / 2 - 0.5 + offsetOf(geometry, i);
  return { slice: Math.round(slice), pixel: [along(1), along(0)] };
}
