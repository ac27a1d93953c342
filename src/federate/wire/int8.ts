/**
 * Symmetric 8-bit integers: x ≈ q·s with q in [-127, 127] and one scale s for each group of 64 numbers along the longer
 * side of the matrix [first dimension, all others]. So the scales add about 3 % whatever the rank of a factor is.
 *
 * A scale is max|x| / 127 in bfloat16, rounded up: its range matters (updates of 1e-7 occur, which float16 cannot scale),
 * its precision does not. The error is at most s / 2 ≤ 0.51 · max|x| / 127. NaN and infinity come back as NaN.
 */
import { fromBytes, operator, type Tensor } from '../../torch/index.js';
import type { WireFormat } from './format.js';

export const groupSize = 64;

const pad = operator('aten::constant_pad_nd') as (x: Tensor, padding: number[], value: number) => Tensor;
const amax = operator('aten::amax') as (x: Tensor, dim: number[], keepdim: boolean) => Tensor;
const round = operator('aten::round') as (x: Tensor) => Tensor;

/** Lines along the longer side: how many, how long, in how many groups each, and whether they are columns. */
function layout([rows = 1, ...others]: readonly number[]) {
  const columns = others.reduce((product, n) => product * n, 1);
  const upright = rows > columns;
  const [lines, length] = upright ? [columns, rows] : [rows, columns];
  return { rows, columns, upright, lines, length, groups: Math.ceil(length / groupSize) };
}

/** [any shape] -> [lines, groups, groupSize], filled up with zeros. */
function grouped(value: Tensor): Tensor {
  const { rows, columns, upright, lines, length, groups } = layout(value.shape);
  const matrix = value.reshape(rows, columns);
  const padded = pad(upright ? matrix.transpose(0, 1) : matrix, [0, groups * groupSize - length], 0);
  return padded.reshape(lines, groups, groupSize);
}

/** The way back. */
function ungrouped(values: Tensor, shape: readonly number[]): Tensor {
  const { upright, lines, length, groups } = layout(shape);
  const matrix = values.reshape(lines, groups * groupSize).narrow(1, 0, length);
  return (upright ? matrix.transpose(0, 1) : matrix).reshape(...shape);
}

/** Rounded to nearest after adding one unit in the last place of bfloat16, a scale is never too small. */
const roundUp = 1 + 2 ** -7;
const smallest = 1e-38;

export const int8: WireFormat = {
  dtype: 'int8',
  lossy: true,
  repeats: false, // the largest number of a group may have been rounded down, which makes another scale
  encode(value, room) {
    const groups = grouped(value);
    const scales = amax(groups.abs(), [2], true) // [lines, groups, 1]
      .mul(roundUp / 127)
      .to('bfloat16');
    const steps = round(groups.div(scales.to('float32').clamp(smallest, null)));
    const data = ungrouped(steps.to('int8'), value.shape).toBytes(room);
    return { shape: value.shape, data, scales: scales.toBytes() };
  },
  decode({ shape, data, scales }) {
    const { lines, groups } = layout(shape);
    const steps = grouped(fromBytes(data, 'int8', shape).to('float32'));
    return ungrouped(steps.mul(fromBytes(scales, 'bfloat16', [lines, groups, 1]).to('float32')), shape).contiguous();
  },
  scaleCount(shape) {
    const { lines, groups } = layout(shape);
    return lines * groups;
  },
};
