/**
 * Where the slices of a volume lie: which axis they run along, and how a slice's pixels map to the volume's voxels.
 *
 * A slice is resampled to `resampled` pixels so that the centres of the two fields of view coincide, then padded or
 * cropped by whole pixels to `shape`: at native spacing nothing is interpolated. A stretched slice is resampled to `shape`.
 *
 * `cornered` slices lie as segment-anything puts them (`ResizeLongestSide`, `Sam.preprocess`): resampled in pixels, not in
 * millimetres, until the longest side fits, and padded behind the last row and column.
 */
import { errorsOf } from '../../core/index.js';
import { datasetErrors } from '../dataset-errors.js';
import type { Triple } from '../orientation.js';
import type { Grid } from '../volume.js';
import type { Plane, Preprocessing } from './schema.js';

const geometryError = errorsOf(datasetErrors);

/** The longest side of a slice in pixels. */
const LIMIT = 4096;

/** Plain JSON. Pairs are [rows, columns]: axial [y, x], coronal [z, x], sagittal [z, y]; row 0 is posterior or inferior. */
export interface SliceGeometry {
  axis: Plane;
  /** [z, y, x] of the volume. */
  volume: [number, number, number];
  /** The volume's slice that is the first of these; greater than 0 where the preprocessing leaves slices out. */
  first: number;
  /** [n, h, w] of the slices. */
  shape: [number, number, number];
  /** Pixels of a slice as it lies in the volume. */
  native: [number, number];
  /** Pixels of the whole field of view at the slices' spacing, before it is padded or cropped. */
  resampled: [number, number];
  /** Native pixels per pixel of the slices. */
  step: [number, number];
  /** In-plane spacing of the slices in mm. */
  spacing: [number, number];
  /** As segment-anything puts slices: padded at the far ends alone. Absent: about the centre. */
  cornered?: true;
  /** Where slices are a part of the volume, or turned; absent: they are all of the RAS grid's, but for `first`. */
  cut?: Cut;
  /** As the preprocessing says; absent: linear. */
  resampling?: 'spline';
}

/** Slices in a volume's array, along [slices, rows, columns]. */
interface Cut {
  /** Which of [z, y, x] run along them. */
  planes: Triple;
  /** Whether they run against the array. */
  against: [boolean, boolean, boolean];
  /** Voxels in that direction that lie before the first. */
  corner: Triple;
}

export interface Placement {
  /** First and last voxel along [z, y, x] that are seen; default: all. */
  box?: readonly [Triple, Triple] | undefined;
  /** As segment-anything puts slices into its square; `size` must be given, and neither `stretch` nor `spacing` counts. */
  cornered?: boolean;
}

/** [slices, rows, columns] as indices of [z, y, x]. */
const directions = { axial: [0, 1, 2], coronal: [1, 0, 2], sagittal: [2, 0, 1] } as const;

/**
 * @param volume shape [z, y, x], spacing [z, y, x] in mm, path for errors
 * @throws GraftError SLICES_TOO_LARGE, SLICES_OUTSIDE, PLANE_OPEN
 */
export function geometryOf(
  volume: { path: string; shape: readonly number[]; spacing: readonly number[]; grid?: Grid },
  { axis, orientation, spacing, size, stretch, multiple, resampling, slices }: Preprocessing,
  { box, cornered = false }: Placement = {},
): SliceGeometry {
  if (axis === 'all') throw geometryError('PLANE_OPEN', { file: volume.path });
  const whole: Triple = [volume.shape[0], volume.shape[1], volume.shape[2]];
  const cut = orientation || box ? cutOf(whole, axis, orientation && volume.grid, box) : undefined;
  const [n, row, column] = cut?.planes ?? directions[axis];
  const seen = box ? box[0].map((low, i) => box[1][i] - low + 1) : whole;
  const pair = (value: (dimension: number, index: number) => number): [number, number] => [
    value(row, 0),
    value(column, 1),
  ];
  const native = pair((dimension) => seen[dimension]);
  const wanted = typeof spacing === 'number' ? ([spacing, spacing] as const) : spacing;
  const step = pair((dimension, i) => {
    if (cornered && size) return native[i] / Math.max(1, Math.floor((native[i] * size[i]) / Math.max(...native) + 0.5));
    if (stretch && size) return native[i] / size[i];
    const step = stepOf(volume.spacing[dimension], wanted?.[i] ?? null);
    return resampling ? native[i] / Math.max(1, Math.round(native[i] / step)) : step;
  });
  // Rounded up, so that every voxel's centre lies in the slice; a spacing off by a rounding error adds no pixel.
  const resampled = pair((_, i) => Math.max(1, Math.ceil(native[i] / step[i] - 1e-3)));
  const padded = pair((_, i) => size?.[i] ?? Math.ceil(resampled[i] / multiple) * multiple);
  if (Math.max(...resampled, ...padded) > LIMIT)
    throw geometryError('SLICES_TOO_LARGE', {
      file: volume.path,
      axis,
      native: native.join(' x '),
      made:
        Math.max(...resampled) > LIMIT
          ? `become ${resampled.join(' x ')} pixels at ${wanted?.join(' x ') ?? 'native'} mm`
          : `be padded to ${padded.join(' x ')} pixels`,
      limit: LIMIT,
    });
  const count = seen[n];
  const [first, last] = slices ?? [0, count - 1];
  if (first >= count) throw geometryError('SLICES_OUTSIDE', { file: volume.path, axis, first, last, count });
  return {
    axis,
    volume: whole,
    first: first + (cut?.corner[0] ?? 0),
    shape: [Math.min(last + 1, count) - first, ...padded],
    native,
    resampled,
    step,
    spacing: pair((dimension, i) => volume.spacing[dimension] * step[i]),
    ...(cornered && { cornered }),
    ...(cut && { cut: { ...cut, corner: [first + cut.corner[0], cut.corner[1], cut.corner[2]] } }),
    ...(resampling && { resampling }),
  };
}

/** @param grid whose stored axes slices follow; undefined: they follow those of the RAS grid */
function cutOf(volume: Triple, axis: Plane, grid?: Grid, box?: Placement['box']): Cut {
  const [low, high] = box ?? [[0, 0, 0], volume.map((size) => size - 1)];
  // Of the stored axes the third is the slowest, as z is of [z, y, x].
  const worlds = directions[axis].map((slow) => (grid ? grid.orientation.axes.indexOf(2 - slow) : 2 - slow));
  const along = worlds.map((world) => 2 - world) as Triple;
  const against = worlds.map((world) => grid?.orientation.flips[world] ?? false) as Cut['against'];
  const corner = along.map((one, i) => (against[i] ? volume[one] - 1 - high[one] : low[one])) as Triple;
  return { planes: along, against, corner };
}

/** Header spacings are float32: one that equals the wanted spacing but for rounding is not interpolated. */
function stepOf(native: number, wanted: number | null): number {
  const step = (wanted ?? native) / native;
  return Math.abs(step - 1) < 1e-4 ? 1 : step;
}

/** Which of [z, y, x] run along [slices, rows, columns]. */
export const planesOf = ({ axis, cut }: SliceGeometry): readonly [number, number, number] =>
  cut?.planes ?? directions[axis];

/** How the voxels of slices lie in a volume's array. */
export interface Layout {
  /** The first pixel of the first slice. */
  start: number;
  /** How far apart they are along [slices, rows, columns]; below 0 where these run against the array. */
  strides: Triple;
}

export function layoutOf(geometry: SliceGeometry): Layout {
  const { volume, first, cut } = geometry;
  const steps = [volume[1] * volume[2], volume[2], 1];
  const strides = planesOf(geometry).map((one, i) => (cut?.against[i] ? -steps[one] : steps[one])) as Triple;
  const corner = cut?.corner ?? [first, 0, 0];
  const start = planesOf(geometry).reduce((sum, one, i) => {
    return sum + (cut?.against[i] ? volume[one] - 1 - corner[i] : corner[i]) * steps[one];
  }, 0);
  return { start, strides };
}

/** Where a voxel's place along [z, y, x] lies along [slices, rows, columns], counted from the first voxel that is seen. */
export const alongSlices = (geometry: SliceGeometry, voxel: readonly number[]): Triple => {
  const { volume, first, cut } = geometry;
  const corner = cut?.corner ?? [first, 0, 0];
  return planesOf(geometry).map((one, i) => {
    return (cut?.against[i] ? volume[one] - 1 - voxel[one] : voxel[one]) - corner[i];
  }) as Triple;
};

/** [slice distance, h, w] in mm. @param spacing of the volume, [z, y, x] */
export const sliceSpacing = (spacing: readonly number[], geometry: SliceGeometry): [number, number, number] => [
  spacing[planesOf(geometry)[0]],
  ...geometry.spacing,
];

/** First pixel of the whole field of view in the slice, along rows (0) or columns (1); negative where it is cropped. */
export const offsetOf = ({ shape, resampled, cornered }: SliceGeometry, i: 0 | 1): number =>
  cornered ? 0 : Math.floor((shape[i + 1] - resampled[i]) / 2);
