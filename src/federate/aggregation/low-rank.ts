/**
 * Sums of low-rank products Σ wₖ BₖAₖ without ever forming them: the factors are stacked, P = L·R with
 * L = [B₁ … B_K] [out, K·r] and R = [w₁A₁; …; w_K A_K] [K·r, in], and everything is found from small matrices. float64.
 */
import { cat, type Keywords, operator, type Tensor, tensor } from '../../torch/index.js';

const eigh = operator('aten::linalg_eigh') as (x: Tensor) => Tensor[];
const choleskyEx = operator('aten::linalg_cholesky_ex') as (x: Tensor) => Tensor[];
const solve = operator('aten::linalg_solve_triangular') as (a: Tensor, b: Tensor, options: Keywords) => Tensor;
const qr = operator('aten::linalg_qr') as (x: Tensor, mode: 'r' | 'reduced') => Tensor[];
const eye = operator('aten::eye') as (n: number, options: Keywords) => Tensor;

/** P = left·right, float64: left [out, m], right [m, in]. */
export interface Product {
  left: Tensor;
  right: Tensor;
}

/** Σ wₖ BₖAₖ as one product. @param terms at least one; b [out, r], a [r, in] */
export function stacked(terms: readonly { weight: number; b: Tensor; a: Tensor }[]): Product {
  const shares = terms.flatMap(({ weight, a }) => Array<number>(a.shape[0]).fill(weight));
  const [left, right] = [
    cat(
      terms.map(({ b }) => b),
      1,
    ),
    cat(terms.map(({ a }) => a)),
  ];
  return {
    left: left.to('float64'), // [out, K·r]
    right: right.to('float64').mul(tensor(shares, [shares.length, 1], { dtype: 'float64' })), // [K·r, in]
  };
}

/** The Frobenius norm of the product, as that of two small triangular factors: exact also where terms cancel. */
export function productNorm({ left, right }: Product): number {
  const [, upper] = qr(left, 'r'); // [min(out, m), m]
  const [, lower] = qr(right.transpose(0, 1), 'r'); // [min(in, m), m]
  return upper.matmul(lower.transpose(0, 1)).norm().item();
}

/** The dominant directions of a product P [out, in]: P ≈ image·basisᵀ, the best approximation of that rank. */
export interface Dominant {
  /** Right singular vectors [in, k]. */
  basis: Tensor;
  /** P·basis = left singular vectors times singular values [out, k]. */
  image: Tensor;
  /** Singular values, the largest first; those beyond are 0. */
  singular: Float64Array;
  /** ‖P‖ and ‖P − image·basisᵀ‖, Frobenius norms. */
  norm: number;
  lost: number;
}

/**
 * The truncated singular value decomposition. With Rᵀ = Q·Cᵀ, PᵀP = Q·(Cᵀ LᵀL C)·Qᵀ, and the symmetric matrix in the middle,
 * [m, m] with m = K·r, gives the right singular vectors Q·w. The QR decomposition is the one by the Cholesky factor of
 * R·Rᵀ (shifted Cholesky QR: Fukaya et al. 2020, arXiv 1809.11085); Q itself is never formed. Where P has fewer columns
 * or rows than m, PᵀP or P Pᵀ is decomposed as it is.
 *
 * Squaring leaves singular values below 1e-8 of ‖L‖·‖R‖ undetermined, which is beyond float32; what is returned is
 * P·(a projection) all the same. A decomposition without squares would take twice as long.
 *
 * @param rank fewer directions come back where the product has no more
 */
export function dominant(product: Product, rank: number): Dominant {
  const { left, right } = product;
  const [out, m] = left.shape;
  const inputs = right.shape[1];
  if (out < Math.min(m, inputs)) {
    const { basis: u, image, ...rest } = dominant(transposed(product), rank);
    const [basis, upper] = qr(image, 'reduced'); // P ≈ U·(Pᵀ·U)ᵀ = (U·upperᵀ)·basisᵀ
    return { ...rest, basis, image: u.matmul(upper.transpose(0, 1)) };
  }
  const [gramL, gramR] = [left.transpose(0, 1).matmul(left), right.matmul(right.transpose(0, 1))]; // [m, m]
  const inner = m < inputs ? cholesky(gramR) : right; // C, or R itself: [m, s]
  const [squares, vectors] = eigh(inner.transpose(0, 1).matmul(gramL.matmul(inner))); // [s], ascending; [s, s]
  const size = squares.size;
  const kept = Math.min(rank, size);
  const top = vectors.narrow(1, size - kept, kept).flip(1); // w [s, k]
  const image = left.matmul(inner.matmul(top)); // [out, k]
  const basis =
    m < inputs
      ? solve(inner.transpose(0, 1), top, { upper: true }).transpose(0, 1).matmul(right).transpose(0, 1) // Rᵀ·C⁻ᵀ·w
      : top; // [in, k]
  const square = gramL.mul(gramR).sum().item();
  return {
    basis,
    image,
    singular: squares
      .toArray<'float64'>()
      .map((value) => Math.sqrt(Math.max(value, 0)))
      .reverse(),
    norm: Math.sqrt(square),
    lost: Math.sqrt(Math.max(square - image.norm().item() ** 2, 0)),
  };
}

/** The lower factor of a Gram matrix, which rounding may have left without one: a shift far below float32 mends that. */
function cholesky(gram: Tensor): Tensor {
  const [m] = gram.shape;
  const scale = gram.norm().item() || 1;
  for (let shift = 1e-15; ; shift *= 10) {
    const [lower, info] = choleskyEx(gram.add(eye(m, { dtype: 'float64' }).mul(shift * scale)));
    if (info.item() === 0 || shift > 1e-8) return lower;
  }
}

export const transposed = ({ left, right }: Product): Product => ({
  left: right.transpose(0, 1),
  right: left.transpose(0, 1),
});
