/**
 * From header to affine and back: the three methods of nifti1.h ("3D image orientation and location in space").
 *
 * The sform is taken where its code says there is one, else the qform, else the voxel sizes alone. (nibabel and
 * nifti1_io do the same; nibabel's fallback centres the volume and mirrors x, the standard's does not, nor does this.)
 */
import { column, determinant, spacingOf } from '../orientation.js';
import { type Header, readField, writeField } from './fields.js';

/** Millimetres for one spatial unit; unknown units count as millimetres. */
const millimetres: Record<number, number> = { 1: 1000, 2: 1, 3: 0.001 };

/** The affine of a header, 4x4 row-major: stored voxel index (x, y, z) -> world mm. It may be degenerate. */
export function readAffine(header: Header): number[] {
  const unit = millimetres[readField(header, 'units')[0] & 7] ?? 1;
  const rows = rowsOf(header).map((value) => value * unit);
  return [...rows, 0, 0, 0, 1];
}

function rowsOf(header: Header): number[] {
  if (readField(header, 'sformCode')[0] > 0) return readField(header, 'srow', 12);
  const [handedness, dx, dy, dz] = readField(header, 'pixdim', 4);
  if (readField(header, 'qformCode')[0] <= 0) return [dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0];

  let [b, c, d] = readField(header, 'quaternion', 3);
  const [x, y, z] = readField(header, 'qoffset', 3);
  const square = b * b + c * c + d * d;
  const a = square > 1 - 1e-7 ? 0 : Math.sqrt(1 - square);
  // A half turn: rounding may have left the quaternion a little longer than one.
  if (a === 0) [b, c, d] = [b, c, d].map((part) => part / Math.sqrt(square));
  const sz = handedness < 0 ? -dz : dz;
  return [
    [(a * a + b * b - c * c - d * d) * dx, 2 * (b * c - a * d) * dy, 2 * (b * d + a * c) * sz, x],
    [2 * (b * c + a * d) * dx, (a * a + c * c - b * b - d * d) * dy, 2 * (c * d - a * b) * sz, y],
    [2 * (b * d - a * c) * dx, 2 * (c * d + a * b) * dy, (a * a + d * d - b * b - c * c) * sz, z],
  ].flat();
}

/** Writes an affine in mm as sform, as voxel sizes and, where its axes are at right angles, as qform. */
export function writeAffine(header: Header, affine: readonly number[]): void {
  const spacing = spacingOf(affine);
  const handedness = determinant(affine) < 0 ? -1 : 1;
  writeField(header, 'units', 2);
  writeField(header, 'pixdim', handedness, ...spacing, 1, 1, 1, 1);
  writeField(header, 'sformCode', 1);
  writeField(header, 'srow', ...affine.slice(0, 12));

  const axes = spacing.map((length, axis) => column(affine, axis).map((part) => part / length));
  const cosine = (i: number, j: number) => axes[i].reduce((sum, part, k) => sum + part * axes[j][k], 0);
  // A quaternion can only turn: a sheared affine stays in the sform alone.
  if (Math.max(Math.abs(cosine(0, 1)), Math.abs(cosine(0, 2)), Math.abs(cosine(1, 2))) > 1e-5) return;
  axes[2] = axes[2].map((part) => part * handedness);
  writeField(header, 'qformCode', 1);
  writeField(header, 'quaternion', ...quaternion(axes));
  writeField(header, 'qoffset', affine[3], affine[7], affine[11]);
}

/** (b, c, d) of the unit quaternion with a >= 0 that turns the unit vectors into the given axes. */
function quaternion([[r11, r21, r31], [r12, r22, r32], [r13, r23, r33]]: number[][]): number[] {
  // Four times the products of each part with all parts; the longest row is the one that loses least to rounding.
  const rows = [
    [1 + r11 + r22 + r33, r32 - r23, r13 - r31, r21 - r12],
    [r32 - r23, 1 + r11 - r22 - r33, r12 + r21, r13 + r31],
    [r13 - r31, r12 + r21, 1 - r11 + r22 - r33, r23 + r32],
    [r21 - r12, r13 + r31, r23 + r32, 1 - r11 - r22 + r33],
  ];
  const lengths = rows.map((row) => Math.hypot(...row));
  const longest = rows[lengths.indexOf(Math.max(...lengths))];
  const length = Math.max(...lengths) * (longest[0] < 0 ? -1 : 1);
  return longest.slice(1).map((part) => part / length);
}
