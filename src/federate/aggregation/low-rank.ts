/**
 * The dominant directions of a sum of low-rank products, from matrices that are as small as the stack of factors or, where
 * the product was formed, from its own multiples.
 */
import { type Keywords, operator, scope, type Tensor } from '../../torch/index.js';
import { leading } from './leading.js';
import { type Product, productNorm } from './product.js';

const eigh = operator('aten::linalg_eigh') as (x: Tensor) => Tensor[];
const svd = operator('aten::linalg_svd') as (x: Tensor, full: boolean) => Tensor[];
const choleskyEx = operator('aten::linalg_cholesky_ex') as (x: Tensor) => Tensor[];
const solve = operator('aten::linalg_solve_triangular') as (a: Tensor, b: Tensor, options: Keywords) => Tensor;
/** A view: what is changed in it changes in the matrix. */
const diagonal = operator('aten::diagonal') as (x: Tensor) => Tensor;

/**
 * The dominant directions of a product P = L·R, as combinations of what is stacked: V = Rᵀ·basis are right singular vectors
 * [in, k], L·image = P·V are the left ones times their singular values [out, k]. Where the
 * product was formed, V is both.
 */
export interface Dominant {
  /** [m, k] */
  basis: Tensor;
  /** [m, k] */
  image: Tensor;
  /** Singular values, the largest first: at least those of the directions; those beyond the rank are 0. */
  singular: Float64Array;
  /** ‖P‖ and the norm of what the directions leave of it, Frobenius. */
  norm: number;
  lost: number;
}

/** The truncated singular value decomposition. @param rank fewer directions come back where the product has no more */
export const dominant = ({ left, right }: Product, rank: number): Dominant =>
  right ? ofStack(left, right, rank) : ofDense(left, rank);

/** Up to this share of the directions they are found one block after another, beyond it with all others at once. */
const FEW = 1 / 6;

function ofDense(product: Tensor, rank: number): Dominant {
  const kept = Math.min(rank, ...product.shape);
  const [basis, singular] = scope(() => {
    if (kept <= FEW * Math.min(...product.shape)) return leading(product, kept);
    const [, values, rows] = svd(product, false);
    return [rows.narrow(0, 0, kept).transpose(0, 1).contiguous(), values.toArray<'float64'>()] as const;
  });
  const norm = productNorm({ left: product });
  const found = singular.subarray(0, kept).reduce((sum, value) => sum + value ** 2, 0);
  return { basis, image: basis, singular, norm, lost: Math.sqrt(Math.max(norm ** 2 - found, 0)) };
}

/**
 * With the QR decomposition Rᵀ = Q·Cᵀ, PᵀP = Q·(Cᵀ LᵀL C)·Qᵀ, and the symmetric matrix in the middle, [m, m] with m = K·r,
 * has the right singular vectors Q·w. C is the Cholesky factor of R·Rᵀ, shifted where rounding asks for it (Fukaya et al.
 * 2020, arXiv 1809.11085), and Q is never formed: V = Rᵀ·(C⁻ᵀw), P·V = L·(C·w).
 *
 * Squaring leaves singular values below 1e-8 of ‖L‖·‖R‖ undetermined, which is beyond float32. A decomposition without
 * squares would take twice as long.
 */
const ofStack = (left: Tensor, right: Tensor, rank: number): Dominant =>
  scope(() => {
    const [out, m] = left.shape;
    const lower = scope(() => cholesky(right.matmul(right.transpose(0, 1)))); // C [m, m]
    const upper = lower.transpose(0, 1);
    const kept = Math.min(rank, m, out, right.shape[1]);
    const [squares, top] = scope(() => {
      const middle = scope(() => {
        const inner = scope(() => left.transpose(0, 1).matmul(left).matmul(lower));
        return upper.matmul(inner);
      });
      const [squares, vectors] = eigh(middle); // ascending
      const top = vectors
        .narrow(1, m - kept, kept)
        .flip(1)
        .contiguous(); // w [m, k]
      return [squares, top];
    });
    const positive = squares.toArray<'float64'>().map((value) => Math.max(value, 0));
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
    return {
      basis: solve(upper, top, { upper: true }),
      image: lower.matmul(top),
      singular: positive.map(Math.sqrt).reverse(),
      norm: Math.sqrt(sum(positive)),
      lost: Math.sqrt(sum(positive.subarray(0, m - kept))),
    };
  });

/** The lower factor of a Gram matrix, which rounding may have left without one: a shift far below float32 repairs it. */
function cholesky(gram: Tensor): Tensor {
  const scale = gram.norm().item() || 1;
  for (let shift = 1e-15; ; shift *= 10) {
    diagonal(gram).add_(shift * scale);
    const [lower, info] = choleskyEx(gram);
    if (info.item() === 0 || shift > 1e-8) return lower;
  }
}
