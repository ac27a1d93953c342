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
import type { Preprocessing } from './schema.js';

const geometryError = errorsOf(datasetErrors);

/** The longest side of a slice in pixels. */
const LIMIT = 4096;

/** Plain JSON. Pairs are [rows, columns]: axial [y, x], coronal [z, x], sagittal [z, y]; row 0 is posterior or inferior. */
export interface SliceGeometry {
  axis: Preprocessing['axis'];
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
}

export interface Placement {
  /** As segment-anything puts slices into its square; `size` must be given, and neither `stretch` nor `spacing` counts. */
  cornered?: boolean;
}

/** [slices, rows, columns] as indices of [z, y, x]. */
const planes = { axial: [0, 1, 2], coronal: [1, 0, 2], sagittal: [2, 0, 1] } as const;

/**
 * @param volume shape [z, y, x], spacing [z, y, x] in mm, path for errors
 * @throws GraftError SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function geometryOf(
  volume: { path: string; shape: readonly number[]; spacing: readonly number[] },
  { axis, spacing, size, stretch, multiple, slices }: Preprocessing,
  { cornered = false }: Placement = {},
): SliceGeometry {
  const [n, row, column] = planes[axis];
  const pair = (value: (dimension: number, index: number) => number): [number, number] => [
    value(row, 0),
    value(column, 1),
  ];
  const native = pair((dimension) => volume.shape[dimension]);
  const step = pair((dimension, i) => {
    if (cornered && size) return native[i] / Math.max(1, Math.floor((native[i] * size[i]) / Math.max(...native) + 0.5));
    return stretch && size ? native[i] / size[i] : stepOf(volume.spacing[dimension], spacing);
  });
  // Rounded up, so that every voxel's centre lies in the slice; a spacing off by a rounding error adds no pixel.
  const resampled = pair((_, i) => Math.max(1, Math.ceil(native[i] / step[i] - 1e-3)));
  const padded = pair((_, i) => size?.[i] ?? Math.ceil(resampled[i] / multiple) * multiple);
  if (Math.max(...resampled, ...padded) > LIMIT)
    throw geometryError('SLICES_TOO_LARGE', {
      file: volume.path,
      axis,
      native: native.join(' x '),
      resampled: resampled.join(' x '),
      spacing: spacing ?? 'native',
      limit: LIMIT,
    });
  const count = volume.shape[n];
  const [first, last] = slices ?? [0, count - 1];
  if (first >= count) throw geometryError('SLICES_OUTSIDE', { file: volume.path, axis, first, last, count });
  return {
    axis,
    volume: [volume.shape[0], volume.shape[1], volume.shape[2]],
    first,
    shape: [Math.min(last + 1, count) - first, ...padded],
    native,
    resampled,
    step,
    spacing: pair((dimension, i) => volume.spacing[dimension] * step[i]),
    ...(cornered && { cornered }),
  };
}

/** Header spacings are float32: one that equals the wanted spacing but for rounding is not interpolated. */
function stepOf(native: number, wanted: number | null): number {
  const step = (wanted ?? native) / native;
  return Math.abs(step - 1) < 1e-4 ? 1 : step;
}

/** Which of [z, y, x] run along [slices, rows, columns]. */
export const planesOf = ({ axis }: SliceGeometry): readonly [number, number, number] => planes[axis];

/** Voxels of a volume along [slices, rows, columns]: how far apart they are in its array. */
export function stridesOf(geometry: SliceGeometry): [number, number, number] {
  const [, y, x] = geometry.volume;
  const strides = [y * x, x, 1];
  const [n, row, column] = planesOf(geometry);
  return [strides[n], strides[row], strides[column]];
}

/** [slice distance, h, w] in mm. @param spacing of the volume, [z, y, x] */
export const sliceSpacing = (spacing: readonly number[], geometry: SliceGeometry): [number, number, number] => [
  spacing[planesOf(geometry)[0]],
  ...geometry.spacing,
];

/** First pixel of the whole field of view in the slice, along rows (0) or columns (1); negative where it is cropped. */
export const offsetOf = ({ shape, resampled, cornered }: SliceGeometry, i: 0 | 1): number =>
  cornered ? 0 : Math.floor((shape[i + 1] - resampled[i]) / 2);
