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
import { operator, type Tensor, tensor } from '../../torch/index.js';
import { dominant } from './low-rank.js';
import { type Product, timesRight, transposed } from './product.js';

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
  const { left } = product;
  const [rank] = last.shape;
  if (gauge === 'reference') {
    const mirror = transposed(product);
    const { basis, image, norm, lost } = dominant(mirror, rank);
    const columns = timesRight(basis, mirror).transpose(0, 1); // U [out, k]
    const signs = signsOf(columns);
    const rows = mirror.left.matmul(image.mul(signs)).transpose(0, 1); // Uᵀ·P [k, in]
    return { b: padded(columns.mul(signs), 1, rank), a: padded(rows, 0, rank), norm, lost };
  }
  const { basis, image, singular, norm, lost } = dominant(product, rank);
  const [kept] = basis.shape.slice(1);
  if (gauge === 'balanced') {
    const roots = tensor(singular.subarray(0, kept).map(Math.sqrt), [1, kept]);
    const rows = timesRight(basis.mul(roots), product); // √S Vᵀ [k, in]
    const signs = signsOf(rows.transpose(0, 1));
    const columns = left.matmul(image.div(roots.clamp(tiny, null)).mul(signs)); // U√S [out, k]
    return { b: padded(columns, 1, rank), a: padded(rows.mul(signs.transpose(0, 1)), 0, rank), norm, lost };
  }
  const start = last.to('float64');
  const rows = timesRight(basis, product); // Vᵀ [k, in]
  const [p, , q] = svd(start.matmul(rows.transpose(0, 1)), false); // of A·V [rank, k]
  const turn = q.transpose(0, 1).matmul(p.transpose(0, 1)); // [k, rank], the rotation nearest to (A·V)ᵀ
  const size = start.norm().item() / Math.sqrt(kept) || 1;
  const columns = image.matmul(turn.div(size)); // [m, rank]
  return {
    b: columns.transpose(0, 1).matmul(left.transpose(0, 1)).transpose(0, 1), // left·columns [out, rank], in the faster order
    a: turn.mul(size).transpose(0, 1).matmul(rows), // [rank, in]
    norm,
    lost,
  };
}

const tiny = 1e-300;

/** Filled up with zeros where the product has fewer directions than the factors. */
const padded = (factor: Tensor, dim: 0 | 1, rank: number): Tensor => {
  const missing = rank - factor.shape[dim];
  return pad(factor, dim === 1 ? [0, missing] : [0, 0, 0, missing], 0);
};

/** Signs that make the largest entry of every column positive, [1, k]: decompositions leave them open. */
const signsOf = (columns: Tensor): Tensor => sign(sign(gather(columns, 0, columns.abs().argmax(0, true))).add(0.5)); // 0 counts as positive
