/**
 * Sums of low-rank products Σ wₖ BₖAₖ in float64. Of few sites the factors are stacked, P = L·R with L = [B₁ … B_K] [out, K·r]
 * and R = [w₁A₁; …; w_K A_K] [K·r, in], and the product is never formed; of more it is
 * smaller than its factors and is formed, so that what is held does not grow with the sites.
 */
import { operator, releaseMemory, scope, type Tensor, zeros } from '../../torch/index.js';

const qr = operator('aten::linalg_qr') as (x: Tensor, mode: 'r') => Tensor[];
const addmm_ = operator('aten::addmm_') as (sum: Tensor, left: Tensor, right: Tensor) => Tensor;

/** P = left·right, float64: left [out, m], right [m, in]. A product that was formed has no right: left is P itself, [out, in]. */
export interface Product {
  left: Tensor;
  right?: Tensor;
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

/** Numbers of a stack up to which the product is not formed: beside it, its decomposition takes several of its size. */
const LARGE = 300_000;

/** The longest stack that is multiplied at once where the product is formed. */
const PIECE = 64;

const ranks = (terms: readonly Term[]): number => terms.reduce((sum, { rank }) => sum + rank, 0);

/** Σ wₖ BₖAₖ as one product. @param terms at least one */
export function stacked(terms: readonly Term[]): Product {
  const [out, inputs] = sidesOf(terms);
  return isFormed(terms) ? { left: formed(terms) } : sideBySide(terms, out, inputs);
}

/** [out, in] */
const sidesOf = (terms: readonly Term[]): [out: number, inputs: number] =>
  scope(() => {
    const { a, b } = terms[0].read();
    return [b.shape[0], a.shape[1]];
  });

function isFormed(terms: readonly Term[]): boolean {
  const [out, inputs] = sidesOf(terms);
  const m = ranks(terms);
  return m > Math.min(out, inputs) || m * (out + inputs) > LARGE;
}

/** Σ wₖ BₖAₖ, dense [out, in]. */
function formed(terms: readonly Term[]): Tensor {
  const sum = zeros(sidesOf(terms), { dtype: 'float64' });
  addTo(sum, terms);
  releaseMemory(); // before it is decomposed
  return sum;
}

/** Factors one beside the other, [out, m] and [m, in]; those of one site at a time are in memory. */
function sideBySide(terms: readonly Term[], out: number, inputs: number): Required<Product> {
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

/** Adds Σ wₖ BₖAₖ to a dense matrix, [out, in]. */
function addTo(sum: Tensor, terms: readonly Term[]): void {
  const [out, inputs] = sum.shape;
  let piece: Term[] = [];
  const add = () => {
    scope(() => {
      const { left, right } = sideBySide(piece, out, inputs);
      addmm_(sum, left, right);
    });
    piece = [];
  };
  for (const term of terms) {
    if (piece.length > 0 && ranks(piece) + term.rank > PIECE) add();
    piece.push(term);
  }
  add();
}

/** Frobenius. Where it was not formed it is that of two small triangular factors: exact also where terms cancel. */
export const productNorm = ({ left, right }: Product): number =>
  scope(() => {
    if (!right) return left.norm().item();
    const upper = triangle(left); // [min(out, m), m]
    const lower = triangle(right.transpose(0, 1)); // [min(in, m), m]
    return upper.matmul(lower.transpose(0, 1)).norm().item();
  });

const triangle = (x: Tensor): Tensor => scope(() => qr(x, 'r')[1]);

/** ‖Σ wₖ BₖAₖ‖, Frobenius. */
export const normOf = (terms: readonly Term[]): number => scope(() => productNorm(stacked(terms)));

/** ‖Σ wₖ BₖAₖ‖ and ‖Σ wₖ BₖAₖ − BA‖, Frobenius. @param factors b [out, rank], a [rank, in] */
export const normsOf = (terms: readonly Term[], factors: { b: Tensor; a: Tensor }): { norm: number; error: number } =>
  scope(() => {
    const rest = termOf(-1, factors);
    if (!isFormed([...terms, rest])) return { norm: normOf(terms), error: normOf([...terms, rest]) };
    const product = { left: formed(terms) };
    const norm = productNorm(product);
    addTo(product.left, [rest]);
    return { norm, error: productNorm(product) };
  });

export const transposed = ({ left, right }: Product): Product =>
  right ? { left: right.transpose(0, 1), right: left.transpose(0, 1) } : { left: left.transpose(0, 1) };

/** xᵀ·R [k, in]. @param x combinations of what is stacked [m, k] */
export const timesRight = (x: Tensor, { right }: Product): Tensor => {
  const rows = x.transpose(0, 1);
  return right ? rows.matmul(right) : rows;
};
