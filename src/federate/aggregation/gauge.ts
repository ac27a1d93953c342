/**
 * The gauge: a product of rank r is B·A for many pairs of factors, and which one sites go on from matters to them, since
 * their optimiser's moments and what was lost on the wire belong to the factors.
 *
 * - `aligned`: A has orthogonal rows of the size of the last A's and is turned as near to it as a rotation can
 *   (orthogonal Procrustes), B takes the rest. Rounds go on in nearly the same coordinates, with factors sized as at the
 *   start, and directions without weight keep a gradient.
 * - `balanced`: B = U√S, A = √S Vᵀ: both factors carry half of each singular value.
 * - `reference`: B = U, A = S Vᵀ, as FLAP-SAM's code.
 */
import { operator, type Tensor } from '../../torch/index.js';
import { dominant, type Product, transposed } from './low-rank.js';

export const gauges = ['aligned', 'balanced', 'reference'] as const;
export type Gauge = (typeof gauges)[number];

export interface Factors {
  /** [out, rank] */
  b: Tensor;
  /** [rank, in] */
  a: Tensor;
  /** ‖P‖ and what of it the factors lack, Frobenius norms. */
  norm: number;
  lost: number;
}

const svd = operator('aten::linalg_svd') as (x: Tensor, full: boolean) => Tensor[];
const sign = operator('aten::sign') as (x: Tensor) => Tensor;
const gather = operator('aten::gather') as (x: Tensor, dim: number, index: Tensor) => Tensor;
const pad = operator('aten::constant_pad_nd') as (x: Tensor, padding: number[], value: number) => Tensor;

/**
 * The best approximation of a product by factors of the last pair's rank, float64.
 *
 * @param last A that the sites started from, [rank, in]
 */
export function factorise(product: Product, last: Tensor, gauge: Gauge): Factors {
  const [rank] = last.shape;
  if (gauge === 'reference') {
    const { basis, image, norm, lost } = dominant(transposed(product), rank); // U, Pᵀ·U
    const signs = signsOf(basis);
    return { b: widened(basis.mul(signs), rank), a: widened(image.mul(signs), rank).transpose(0, 1), norm, lost };
  }
  const { basis, image, norm, lost } = dominant(product, rank); // V [in, k], P·V [out, k]
  if (gauge === 'balanced') {
    const signs = signsOf(basis);
    const roots = image.pow(2).sum([0], true).sqrt().sqrt(); // √S [1, k]
    return {
      b: widened(image.div(roots.clamp(tiny, null)).mul(signs), rank),
      a: widened(basis.mul(roots).mul(signs), rank).transpose(0, 1),
      norm,
      lost,
    };
  }
  const wide = last.to('float64');
  const [left, , right] = svd(wide.matmul(basis), false);
  const turn = left.matmul(right); // [rank, k], the rotation nearest to A·V
  const size = wide.norm().item() / Math.sqrt(basis.shape[1]) || 1;
  return {
    b: image.matmul(turn.transpose(0, 1)).div(size), // [out, rank]
    a: turn.matmul(basis.transpose(0, 1)).mul(size), // [rank, in]
    norm,
    lost,
  };
}

const tiny = 1e-300;

/** Filled up with columns of zeros where the product has fewer directions than the factors. */
const widened = (columns: Tensor, rank: number): Tensor => pad(columns, [0, rank - columns.shape[1]], 0);

/** Signs that make the largest entry of every column positive, [1, k]: decompositions leave them open. */
const signsOf = (columns: Tensor): Tensor => sign(sign(gather(columns, 0, columns.abs().argmax(0, true))).add(0.5)); // 0 counts as positive
