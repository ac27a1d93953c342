/** Where the pixels of a series' frames lie among the voxels of the volume that was made of them. */
import { column } from '../orientation.js';
import { placeOnGrid } from '../preprocess/index.js';
import type { Placed } from '../volume.js';
import { dicomError } from './errors.js';
import type { Frame } from './frames.js';
import type { Header } from './header.js';
import { evenness, normalOf } from './stack.js';
import { firstFrames } from './trace.js';

/** A frame of a source image with the place of its pixels: pixel (r, c) is element `start + r * down + c * right`. */
export interface PlacedFrame {
  header: Header;
  /** From 1, within its file. */
  number: number;
  frame: { [Key in 'position' | 'orientation' | 'pixelSpacing']: NonNullable<Frame[Key]> };
  start: number;
  down: number;
  right: number;
}

/** How far a pixel's centre may lie from a voxel's within a slice, in voxels: rounding in headers. */
const tolerance = 0.05;
/** And along the slices, where positions that are even but for rounding count as even. */
const sliceTolerance = (spacing: number) => Math.max(tolerance, Math.min(0.45, evenness(spacing) / spacing));

/**
 * @param volume of `convertDicomSeries`: RAS [z, y, x]
 * @param name for errors
 * @param chosen the volume's frames, counted through the series from 0; default: all
 * @returns every frame, in the order in which they lie; together they hold each voxel once
 * @throws GraftError DICOM_SEG_GEOMETRY
 */
export function framesOnGrid(
  headers: readonly Header[],
  volume: Placed,
  name: string,
  chosen?: ReadonlySet<number>,
): PlacedFrame[] {
  const unfit = (reason: string) => dicomError('DICOM_SEG_GEOMETRY', { series: name, reason });
  const first = firstFrames(headers);
  const placed = headers.flatMap((header, h) =>
    header.frames.flatMap((frame, i) =>
      chosen?.has(first[h] + i) === false ? [] : [placeFrame(header, frame, i + 1, volume, unfit)],
    ),
  );
  const starts = new Set(placed.map(({ start }) => start));
  if (starts.size < placed.length) throw unfit('several of its images lie in one place');
  const pixels = placed.reduce((sum, { header }) => sum + header.rows * header.columns, 0);
  const [z, y, x] = volume.shape;
  if (pixels !== z * y * x) throw unfit(`its images have ${pixels} pixels and the volume ${z * y * x} voxels`);
  return placed.sort((a, b) => a.start - b.start);
}

function placeFrame(
  header: Header,
  { position, orientation, pixelSpacing }: Frame,
  number: number,
  { shape, affine, grid }: Placed,
  unfit: (reason: string) => Error,
): PlacedFrame {
  if (!position || !orientation || !pixelSpacing) throw unfit('its images do not say where they lie');
  const { rows, columns, mosaicSlices } = header;
  if (mosaicSlices) throw unfit(`each of its images is a mosaic of ${mosaicSlices} slices`);
  const [betweenRows, betweenColumns] = pixelSpacing;
  const [, ny, nx] = shape;
  const [x, y, z] = normalOf(orientation);
  const tolerances = [0, 1, 2].map((axis) => {
    const [right, front, up] = column(affine, axis);
    const spacing = Math.hypot(right, front, up);
    const cosine = (up * z - right * x - front * y) / spacing;
    return Math.abs(cosine) > 0.99 ? sliceTolerance(spacing) : tolerance;
  });
  /** The voxel (x, y, z) of a pixel. DICOM counts to the patient's left and back, RAS to the right and front. */
  const voxelOf = (row: number, column: number) => {
    const at = (axis: number) =>
      position[axis] + orientation[axis] * betweenColumns * column + orientation[axis + 3] * betweenRows * row;
    const exact = placeOnGrid({ affine, grid }, [-at(0), -at(1), at(2)], 'mm');
    const voxel = exact.map(Math.round);
    const fits = voxel.every((v, i) => Math.abs(v - exact[i]) <= tolerances[i] && v >= 0 && v < shape[2 - i]);
    if (!fits) throw unfit('its slices lie unevenly, or the volume was interpolated or made of other images');
    return voxel[0] + nx * (voxel[1] + ny * voxel[2]);
  };
  const corner = voxelOf(rows - 1, columns - 1);
  const start = voxelOf(0, 0);
  const down = rows > 1 ? (voxelOf(rows - 1, 0) - start) / (rows - 1) : 0;
  const right = columns > 1 ? (voxelOf(0, columns - 1) - start) / (columns - 1) : 0;
  if (start + down * (rows - 1) + right * (columns - 1) !== corner) throw unfit('its images lie oblique in the volume');
  return { header, number, frame: { position, orientation, pixelSpacing }, start, down, right };
}
