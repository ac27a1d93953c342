/**
 * How far apart the slices of a volume are. dcm2niix takes the distance of the first two; positions that a scanner rounded
 * to a tenth of a millimetre make a volume of thin slices some percent too long or too short by that.
 */
import { column } from '../orientation.js';
import { type Stack, stepOf } from './stack.js';

/** Byte offsets in a NIfTI-1 header. */
const [dimAt, pixdimAt, qoffsetAt, srowAt] = [40, 76, 268, 280];

/** A volume that differs by less, in mm at its far end, stays as it is. */
const smallest = 0.01;

/**
 * Sets the slice distance of a volume that was not interpolated, and where its first slice lies, by the outermost slices
 * of the stack that it is.
 *
 * @param bytes a NIfTI-1 file of this machine's byte order, with an sform; changed in place
 * @param stacks of its series
 */
export function setSliceStep(bytes: Uint8Array, stacks: readonly Stack[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const affine = Array.from({ length: 12 }, (_, i) => view.getFloat32(srowAt + 4 * i, true));
  const fits = stacks
    .map((stack) => ({ stack, ...sliceAxis(affine, stack) }))
    .filter(({ stack, axis }) => stack.slices > 1 && view.getInt16(dimAt + 2 * (axis + 1), true) === stack.slices);
  const [fit] = fits.length === 1 ? fits : fits.filter(({ stack, axis }) => fitsWithin(view, stack, axis));
  if (!fit?.along) return;
  const { stack, axis, along, normal } = fit;
  const scale = stepOf(stack) / Math.abs(along);
  const first = along > 0 ? stack.ends[0] : stack.ends[1];
  const origin = normal.reduce((sum, part, row) => sum + part * affine[4 * row + 3], 0);
  const drift = Math.abs(scale - 1) * Math.abs(along) * (stack.slices - 1);
  if (!(drift > smallest)) return;

  const steps = (first - origin) / along;
  for (const [row, part] of column(affine, axis).entries()) {
    view.setFloat32(srowAt + 16 * row + 4 * axis, part * scale, true);
    view.setFloat32(srowAt + 16 * row + 12, affine[4 * row + 3] + part * steps, true);
    view.setFloat32(qoffsetAt + 4 * row, view.getFloat32(qoffsetAt + 4 * row, true) + part * steps, true);
  }
  const size = pixdimAt + 4 * (axis + 1);
  view.setFloat32(size, view.getFloat32(size, true) * scale, true);
}

/** Whether the slices are as large as the stack's; those of a tilted gantry are made larger. */
function fitsWithin(view: DataView, { rows, columns }: Stack, axis: number): boolean {
  const others = [0, 1, 2].filter((one) => one !== axis).map((one) => view.getInt16(dimAt + 2 * (one + 1), true));
  return others[0] * others[1] === rows * columns;
}

/** The voxel axis that leads from slice to slice, and how far one step of it leads along the normal, which is in RAS. */
function sliceAxis(affine: readonly number[], { normal: [x, y, z] }: Stack) {
  const normal = [-x, -y, z];
  const alongs = [0, 1, 2].map((axis) => {
    const step = column(affine, axis);
    return { step, along: step.reduce((sum, part, row) => sum + part * normal[row], 0) };
  });
  // Where the spacing is unknown, steps may be of no length.
  const cosines = alongs.map(({ step, along }) => Math.abs(along) / (Math.hypot(...step) || 1));
  const axis = cosines.indexOf(Math.max(...cosines));
  return { axis, along: alongs[axis].along, normal };
}
