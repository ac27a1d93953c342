/** One volume stored in another orientation: the same voxels at the same places in the world, in another file. */
import {
  buildNifti,
  type Independent,
  type orientations,
  type Triple,
  type TypeName,
  types,
} from '../data/nifti-fixtures.js';

/** A part of a volume: its first voxel and its voxels along x, y and z. */
export interface Part {
  first: Triple;
  size: Triple;
}

/** A part of at most `most` voxels a side in which two neighbours along x differ; all of it where none do. */
export function livelyPart({ dims, value }: Independent, most: Triple): Part {
  const size = most.map((side, axis) => Math.min(side, dims[axis])) as Triple;
  const middle = dims.map((side) => Math.floor(side / 2));
  let centre = middle;
  // Along the lines nearest the middle first.
  for (let d = 0; d < 2 * middle[2] && centre === middle; d++) {
    const z = middle[2] + (d % 2 ? -1 : 1) * Math.ceil(d / 2);
    if (z < 0 || z >= dims[2]) continue;
    for (let y = 0; y < dims[1] && centre === middle; y++)
      for (let x = 1; x < dims[0]; x++)
        if (value(x, y, z) !== value(x - 1, y, z)) {
          centre = [x, y, z];
          break;
        }
  }
  const first = centre.map((at, axis) =>
    Math.max(0, Math.min(dims[axis] - size[axis], at - Math.floor(size[axis] / 2))),
  ) as Triple;
  return { first, size };
}

/** A value that some voxels of a part exceed, as far from all of them as can be, and how far. */
export function thresholdIn({ value }: Independent, { first, size }: Part): { threshold: number; margin: number } {
  const values = new Set<number>();
  for (let z = 0; z < size[2]; z++)
    for (let y = 0; y < size[1]; y++)
      for (let x = 0; x < size[0]; x++) values.add(Math.fround(value(first[0] + x, first[1] + y, first[2] + z)));
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.max(1, Math.floor(sorted.length / 2));
  const [below, above] = [sorted[half - 1], sorted[half] ?? sorted[half - 1] + 1];
  return { threshold: (below + above) / 2, margin: (above - below) / 2 };
}

/** @param placed by which of the header's two ways to place a volume; a qform only where there can be one */
export function storePart(
  original: Independent,
  { first, size }: Part,
  { axes, flips }: (typeof orientations)[number],
  placed: 'sform' | 'qform',
): Buffer {
  const { affine, header } = original;
  const dims = axes.map((axis) => size[axis]);
  // Where a step along each stored axis leads in the original, and where the first stored voxel lies there.
  const start = [...first];
  axes.forEach((axis, stored) => {
    if (flips[stored]) start[axis] += size[axis] - 1;
  });
  const rows = [0, 1, 2].flatMap((row) => {
    const at = (axis: number) => affine[4 * row + axis];
    const steps = axes.map((axis, stored) => (flips[stored] ? -at(axis) : at(axis)));
    return [...steps, at(0) * start[0] + at(1) * start[1] + at(2) * start[2] + at(3)];
  });
  const values: number[] = [];
  const [slope, intercept] = scaling(header);
  for (let k = 0; k < dims[2]; k++)
    for (let j = 0; j < dims[1]; j++)
      for (let i = 0; i < dims[0]; i++) {
        const voxel = [...start];
        [i, j, k].forEach((step, stored) => {
          voxel[axes[stored]] += flips[stored] ? -step : step;
        });
        const [x, y, z] = voxel;
        values.push((original.value(x, y, z) - intercept) / slope);
      }
  const type = (Object.keys(types) as TypeName[]).find((name) => types[name][0] === header.datatypeCode)!;
  const recipe = { type, dims, values: type.startsWith('float') ? values : values.map(Math.round) };
  const place = placed === 'qform' ? qformOf(rows) : undefined;
  return buildNifti({ ...recipe, slope, intercept, ...(place ?? { sform: { code: 1, rows } }) });
}

function scaling({ scl_slope, scl_inter }: Independent['header']): [number, number] {
  return scl_slope !== 0 && Number.isFinite(scl_slope) ? [scl_slope, scl_inter] : [1, 0];
}

/** Voxel sizes, quaternion and offset of nifti1.h; undefined for sheared axes, and for half turns. */
function qformOf(rows: number[]) {
  const columns = [0, 1, 2].map((c) => [rows[c], rows[4 + c], rows[8 + c]]);
  const lengths = columns.map((column) => Math.hypot(...column));
  const [u, v, w] = columns.map((column, c) => column.map((part) => part / lengths[c]));
  const dot = (a: number[], b: number[]) => a.reduce((sum, part, i) => sum + part * b[i], 0);
  if (Math.max(...[dot(u, v), dot(u, w), dot(v, w)].map(Math.abs)) > 1e-5) return undefined;
  const cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const handedness = dot(cross, w) < 0 ? -1 : 1;
  const t = w.map((part) => part * handedness);
  // From the diagonal, the largest part first, the others from the sums and differences beside it.
  const squares = [1 + u[0] + v[1] + t[2], 1 + u[0] - v[1] - t[2], 1 - u[0] + v[1] - t[2], 1 - u[0] - v[1] + t[2]];
  const largest = squares.indexOf(Math.max(...squares));
  const s = 2 * Math.sqrt(squares[largest]);
  const parts = [
    [s / 4, (v[2] - t[1]) / s, (t[0] - u[2]) / s, (u[1] - v[0]) / s],
    [(v[2] - t[1]) / s, s / 4, (u[1] + v[0]) / s, (t[0] + u[2]) / s],
    [(t[0] - u[2]) / s, (u[1] + v[0]) / s, s / 4, (v[2] + t[1]) / s],
    [(u[1] - v[0]) / s, (t[0] + u[2]) / s, (v[2] + t[1]) / s, s / 4],
  ][largest];
  const [a, ...quaternion] = parts.map((part) => part * (parts[0] < 0 ? -1 : 1));
  // Near a half turn nifti-reader-js takes the root of 1 - b² - c² - d², which rounding can make negative.
  if (a < 0.1) return undefined;
  return {
    pixdim: [handedness, ...lengths],
    qform: { code: 1, quaternion, offset: [rows[3], rows[7], rows[11]] },
  };
}
