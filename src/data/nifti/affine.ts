/**
 * From header to affine and back: the three methods of nifti1.h ("3D image orientation and location in space").
 *
 * The sform is taken where its code says there is one, else the qform, else the voxel sizes alone. (nibabel and
 * nifti1_io do the same; nibabel's fallback centres the volume and mirrors x, the standard's does not, nor does this.)
 * Headers that break the standard are read where other programs agree on what they mean, and what was taken for what is
 * told.
 */
import { affineFault, column, determinant, spacingOf, type Triple } from '../orientation.js';
import { type Header, readField, writeField } from './fields.js';

/** Millimetres for one spatial unit; unknown units count as millimetres. */
const millimetres: Record<number, number> = { 1: 1000, 2: 1, 3: 0.001 };

export interface Placement {
  /** 4x4 row-major: stored voxel index (x, y, z) -> world mm. */
  affine: number[];
  /** Where it comes from; with `voxel sizes` the header says nothing of the patient's left and right. */
  placedBy: 'sform' | 'qform' | 'voxel sizes';
  /** Sentences on what the header leaves open, and how it was taken. */
  doubts: string[];
  /** Why the affine cannot place voxels in space, where it cannot. */
  fault: string | undefined;
}

/** @param dims stored voxels along (x, y, z) */
export function placementOf(header: Header, dims: Triple): Placement {
  const unit = millimetres[readField(header, 'units')[0] & 7] ?? 1;
  const [hasSform, hasQform] = (['sformCode', 'qformCode'] as const).map((code) => readField(header, code)[0] > 0);
  const { sizes, doubts } = sizesOf(header, dims);
  const inMillimetres = (rows: number[]) => {
    const affine = [...rows.map((value) => value * unit), 0, 0, 0, 1];
    return withThickness(affine, dims, sizes[2] * unit);
  };
  if (hasSform) {
    const affine = inMillimetres(readField(header, 'srow', 12));
    const fault = affineFault(affine);
    if (!fault || !hasQform) return { affine, placedBy: 'sform', doubts: [], fault };
    doubts.unshift(`its sform has ${fault} and cannot be used; the qform stands for it`);
  }
  const affine = inMillimetres(
    hasQform ? qformRows(header, sizes) : [sizes[0], 0, 0, 0, 0, sizes[1], 0, 0, 0, 0, sizes[2], 0],
  );
  return { affine, placedBy: hasQform ? 'qform' : 'voxel sizes', doubts, fault: affineFault(affine) };
}

/** The voxel sizes, which the standard wants above 0. */
function sizesOf(header: Header, dims: Triple): { sizes: number[]; doubts: string[] } {
  const stored = readField(header, 'pixdim', 3, 1);
  const named = (axes: number[]) => axes.map((axis) => `${'xyz'[axis]} (${stored[axis]})`).join(', ');
  const negative = [0, 1, 2].filter((axis) => stored[axis] < 0);
  // The thickness of a single slice is often left out, and nothing depends on it.
  const absent = [0, 1, 2].filter((axis) => !(stored[axis] !== 0 && Number.isFinite(stored[axis])) && dims[axis] > 1);
  return {
    sizes: stored.map((size) => (Number.isFinite(size) ? Math.abs(size) : 0) || 1),
    doubts: [
      ...(negative.length > 0
        ? [
            `its voxel sizes are negative along ${named(negative)}: they are read as lengths; some programs mirror the image`,
          ]
        : []),
      ...(absent.length > 0 ? [`it has no voxel size along ${named(absent)}: 1 is taken`] : []),
    ],
  };
}

/** An affine whose third column is empty says where a slice lies, but not how thick it is. */
function withThickness(affine: number[], dims: Triple, thickness: number): number[] {
  if (dims[2] !== 1 || column(affine, 2).some((part) => part !== 0)) return affine;
  const [[ax, ay, az], [bx, by, bz]] = [column(affine, 0), column(affine, 1)];
  const normal = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
  const scale = thickness / Math.hypot(...normal);
  const whole = [...affine];
  for (const row of [0, 1, 2]) whole[4 * row + 2] = normal[row] * scale;
  return whole;
}

function qformRows(header: Header, [dx, dy, dz]: number[]): number[] {
  const handedness = readField(header, 'pixdim')[0];
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
