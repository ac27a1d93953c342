/**
 * Sums of low-rank products Σ wₖ BₖAₖ without ever forming them: the factors are stacked, P = L·R with
 * L = [B₁ … B_K] [out, K·r] and R = [w₁A₁; …; w_K A_K] [K·r, in], and everything is found from small matrices. float64.
 */
import { type Keywords, operator, scope, type Tensor, zeros } from '../../torch/index.js';

const eigh = operator('aten::linalg_eigh') as (x: Tensor) => Tensor[];
const choleskyEx = operator('aten::linalg_cholesky_ex') as (x: Tensor) => Tensor[];
const solve = operator('aten::linalg_solve_triangular') as (a: Tensor, b: Tensor, options: Keywords) => Tensor;
const qr = operator('aten::linalg_qr') as (x: Tensor, mode: 'r') => Tensor[];
const addmm_ = operator('aten::addmm_') as (sum: Tensor, left: Tensor, right: Tensor) => Tensor;
const eye = operator('aten::eye') as (size: number, options: Keywords) => Tensor;
/** A view: what is changed in it changes in the matrix. */
const diagonal = operator('aten::diagonal') as (x: Tensor) => Tensor;

/** P = left·right, float64: left [out, m], right [m, in]. */
export interface Product {
  left: Tensor;
  right: Tensor;
}

/** One of the products that are added up. */
export interface Term {
  weight: number;
  rank: number;
  /** b [out, rank], a [rank, in]; called when they are needed, and perhaps more than once. */
  read(): { b: Tensor; a: Tensor };
}

/** A term of factors that are there. @param factors b [out, rank], a [rank, in] */
export const termOf = (weight: number, factors: { b: Tensor; a: Tensor }): Term => ({
  weight,
  rank: factors.a.shape[0],
  read: () => factors,
});

/**
 * Σ wₖ BₖAₖ as one product. Where that has fewer rows or columns than the stack is long (a small layer and many sites), it
 * is formed after all, beside a unit matrix.
 *
 * @param terms at least one
 */
export function stacked(terms: readonly Term[]): Product {
  const [out, inputs] = scope(() => {
    const { a, b } = terms[0].read();
    return [b.shape[0], a.shape[1]];
  });
  if (ranks(terms) <= Math.min(out, inputs)) return sideBySide(terms, out, inputs);
  const product = summed(terms, out, inputs);
  return out < inputs ? { left: unit(out), right: product } : { left: product, right: unit(inputs) };
}

const ranks = (terms: readonly Term[]): number => terms.reduce((sum, { rank }) => sum + rank, 0);

/** Factors one beside the other, [out, m] and [m, in]; those of one site at a time are in memory. */
function sideBySide(terms: readonly Term[], out: number, inputs: number): Product {
  const m = ranks(terms);
  const left = zeros([out, m], { dtype: 'float64' });
  const right = zeros([m, inputs], { dtype: 'float64' });
  let at = 0;
  for (const { weight, rank, read } of terms) {
    scope(() => {
      const { a, b } = read();
      left.narrow(1, at, rank).copy_(b);
      right.narrow(0, at, rank).copy_(a).mul_(weight);
    });
    at += rank;
  }
  return { left, right };
}

/** The longest stack that is multiplied at once; longer ones are added up piece by piece, so that none grows with the sites. */
const PIECE = 512;

/** Σ wₖ BₖAₖ, dense [out, in]. */
function summed(terms: readonly Term[], out: number, inputs: number): Tensor {
  let piece: Term[] = [];
  let sum: Tensor | undefined;
  const add = () => {
    sum = scope(() => {
      const { left, right } = sideBySide(piece, out, inputs);
      return sum ? addmm_(sum, left, right) : left.matmul(right);
    });
    piece = [];
  };
  for (const term of terms) {
    if (piece.length > 0 && ranks(piece) + term.rank > PIECE) add();
    piece.push(term);
  }
  add();
  return sum!;
}

const unit = (size: number) => eye(size, { dtype: 'float64' });

/** The Frobenius norm of the product, as that of two small triangular factors: exact also where terms cancel. */
export const productNorm = ({ left, right }: Product): number =>
  scope(() => {
    const upper = triangle(left); // [min(out, m), m]
    const lower = triangle(right.transpose(0, 1)); // [min(in, m), m]
    return upper.matmul(lower.transpose(0, 1)).norm().item();
  });

const triangle = (x: Tensor): Tensor => scope(() => qr(x, 'r')[1]);

/**
 * The dominant directions of a product P = L·R, as combinations of what is stacked: V = Rᵀ·basis are right singular vectors
 * [in, k], L·image = P·V are the left ones times their singular values [out, k].
 */
export interface Dominant {
  /** [m, k] */
  basis: Tensor;
  /** [m, k] */
  image: Tensor;
  /** Singular values, the largest first; those beyond are 0. */
  singular: Float64Array;
  /** ‖P‖ and the norm of what the directions leave of it, Frobenius. */
  norm: number;
  lost: number;
}

/**
 * The truncated singular value decomposition. With the QR decomposition Rᵀ = Q·Cᵀ, PᵀP = Q·(Cᵀ LᵀL C)·Qᵀ, and the symmetric
 * matrix in the middle, [m, m] with m = K·r, has the right singular vectors Q·w. C is the Cholesky factor of R·Rᵀ, shifted
 * where rounding asks for it (Fukaya et al. 2020, arXiv 1809.11085), and Q is never formed: V = Rᵀ·(C⁻ᵀw), P·V = L·(C·w).
 *
 * Squaring leaves singular values below 1e-8 of ‖L‖·‖R‖ undetermined, which is beyond float32. A decomposition without
 * squares would take twice as long.
 *
 * @param rank fewer directions come back where the product has no more
 */
export const dominant = ({ left, right }: Product, rank: number): Dominant =>
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

export const transposed = ({ left, right }: Product): Product => ({
  left: right.transpose(0, 1),
  right: left.transpose(0, 1),
});
