/**
 * Volumes and labels as graft holds them: [z, y, x] in RAS, with what is needed to write masks back on the grid the file
 * came with.
 */
import { dataError } from './errors.js';
import type { Orientation, Triple } from './orientation.js';

/** The grid a file was stored on: all that `writeMask` needs, and no voxel. */
export interface Grid {
  /** NIfTI-1 or NIfTI-2. */
  version: 1 | 2;
  littleEndian: boolean;
  /** The header as stored, uint8 [348] or [540]; extensions are not kept. */
  header: Uint8Array;
  /** Stored voxels along (x, y, z), x fastest. */
  dims: Triple;
  /** How the stored axes lie in RAS. */
  orientation: Orientation;
}

/** Where voxels lie. */
export interface Placed {
  /** The file it came from. */
  path: string;
  /** [z, y, x] */
  shape: Triple;
  /** [z, y, x] in mm */
  spacing: Triple;
  /** 4x4 row-major: RAS voxel index (x, y, z) -> world mm. */
  affine: number[];
  grid: Grid;
  /** Sentences on what the file's header leaves open, and how it was taken; absent where it is clear. */
  doubts?: string[];
}

/** An image: float32 [z, y, x] in RAS, with spacing in mm, the affine, and the grid of its file for `writeMask`. */
export interface Volume extends Placed {
  /** float32 [z, y, x] in RAS, slope and intercept applied, all finite */
  data: Float32Array;
}

/**
 * What voxels have in a label that count for nothing, in training as in scores: nobody said what they show. nnU-Net's
 * `ignore` is read as this value, whatever number the data set gives it.
 */
export const ignored = 255;

/** A label: uint8 [z, y, x] in RAS, 0 the background and k the class k, placed as a `Volume` is. */
export interface Label extends Placed {
  /** uint8 [z, y, x] in RAS, class numbers */
  data: Uint8Array;
  /** Whether the value `ignored` means that; otherwise it is a class like any other. */
  hasIgnored?: boolean;
}

/** The classes of a label as pictures show them: what counts for nothing is background there. */
export const shownClasses = ({ data, hasIgnored }: Pick<Label, 'data' | 'hasIgnored'>): Uint8Array =>
  hasIgnored ? data.map((value) => (value === ignored ? 0 : value)) : data;

/**
 * Checks that voxel (z, y, x) of both is the same place: equal shapes, and no corner voxel further apart than a
 * thousandth of the smallest voxel side (1e-3 mm for 1 mm voxels). How the two are stored in their files may differ.
 *
 * @throws GraftError GRID_MISMATCH with the dimensions and affines of both.
 */
export function assertSameGrid(first: Omit<Placed, 'grid'>, second: Omit<Placed, 'grid'>): void {
  const sameShape = first.shape.every((size, axis) => size === second.shape[axis]);
  const tolerance = 1e-3 * Math.min(...first.spacing, ...second.spacing);
  if (sameShape && furthestCorner(first, second) <= tolerance) return;
  throw dataError('GRID_MISMATCH', {
    first: first.path,
    second: second.path,
    firstGrid: describe(first),
    secondGrid: describe(second),
  });
}

/** The largest distance in mm between corner voxels of the two; for affine maps no voxel inside lies further apart. */
function furthestCorner({ shape, affine }: Omit<Placed, 'grid'>, other: Omit<Placed, 'grid'>): number {
  const difference = affine.map((value, i) => value - other.affine[i]);
  let furthest = 0;
  for (const z of [0, shape[0] - 1]) {
    for (const y of [0, shape[1] - 1]) {
      for (const x of [0, shape[2] - 1]) {
        const along = (row: number) =>
          difference[4 * row] * x + difference[4 * row + 1] * y + difference[4 * row + 2] * z + difference[4 * row + 3];
        furthest = Math.max(furthest, Math.hypot(along(0), along(1), along(2)));
      }
    }
  }
  return furthest;
}

function describe({ shape: [z, y, x], affine }: Omit<Placed, 'grid'>): string {
  const row = (i: number) =>
    affine
      .slice(4 * i, 4 * i + 4)
      .map((value) => Number(value.toFixed(4)))
      .join(' ');
  return `${x} x ${y} x ${z} voxels, affine in RAS [${row(0)}; ${row(1)}; ${row(2)}]`;
}
