/**
 * The largest singular values of a dense matrix P and their right vectors, without decomposing all of it: block Lanczos on
 * PᵀP with full orthogonalisation, begun anew from the best directions when the block is full ("thick restart", Wu & Simon
 * 2000, https://doi.org/10.1137/S0895479898334605). It holds a few times the directions asked for, where a whole
 * decomposition takes five matrices of P's size, and is quicker where the values fall: a mean of updates needs a few
 * steps, a spectrum as flat as that of random numbers about thirty.
 */
import { Generator, type Keywords, operator, releaseMemory, scope, type Tensor, zeros } from '../../torch/index.js';

const randn = operator('aten::randn.generator') as (size: number[], options: Keywords) => Tensor;
const eigh = operator('aten::linalg_eigh') as (x: Tensor) => Tensor[];
const qr = operator('aten::linalg_qr') as (x: Tensor, mode: 'reduced') => Tensor[];

/** Residual of PᵀP, relative to its largest value, at which it ends; values are then exact to its square over their gap. */
const TOLERANCE = 1e-9;

/** Where that many do not suffice, values lie so close that it does not matter which are kept. */
const STEPS = 100;

/** Rows at right angles to each other and, as far as there are any, to those of `others`. */
const orthonormal = (rows: Tensor, others: Tensor): Tensor => {
  const once = (from: Tensor) =>
    scope(() => {
      const rest = from.sub(from.matmul(others.transpose(0, 1)).matmul(others));
      return qr(rest.transpose(0, 1), 'reduced')[0].transpose(0, 1);
    });
  return scope(() => once(once(rows)));
};

/**
 * @param product float64 [out, in]
 * @param count a sixth of the smaller side at most
 * @returns right singular vectors [in, count], the first of the largest value; the values
 */
export const leading = (product: Tensor, count: number): [vectors: Tensor, values: Float64Array] =>
  scope(() => {
    const [out, inputs] = product.shape;
    const [kept, most] = [Math.ceil(1.5 * count), 4 * count];
    // Rows: directions at right angles to each other, and PᵀP of each.
    const basis = zeros([most, inputs], { dtype: 'float64' });
    const images = zeros([most, inputs], { dtype: 'float64' });
    let width = 0;
    const append = (rows: Tensor) =>
      scope(() => {
        const directions = orthonormal(rows, basis.narrow(0, 0, width));
        const [height] = directions.shape;
        basis.narrow(0, width, height).copy_(directions);
        images.narrow(0, width, height).copy_(directions.matmul(product.transpose(0, 1)).matmul(product));
        width += height;
      });
    scope(() => {
      using generator = new Generator(1);
      append(randn([kept, out], { generator, dtype: 'float64' }).matmul(product));
    });
    for (let step = 0; ; step++) {
      const found = scope((): [Tensor, Float64Array] | undefined => {
        const [rows, multiples] = [basis.narrow(0, 0, width), images.narrow(0, 0, width)];
        const [values, turn] = scope(() => eigh(rows.matmul(multiples.transpose(0, 1)))); // ascending
        const best = turn
          .narrow(1, width - kept, kept)
          .flip(1)
          .transpose(0, 1); // [kept, width]
        const wanted = best.narrow(0, 0, count);
        const squares = values.flip(0).narrow(0, 0, count);
        const residual = scope(() => {
          const expected = wanted.matmul(rows).mul(squares.reshape(count, 1));
          return wanted.matmul(multiples).sub(expected); // [count, in]
        });
        const worst = Math.sqrt(residual.pow(2).sum([1]).max().item());
        if (step === STEPS || worst <= TOLERANCE * squares.max().item()) {
          const roots = squares.toArray<'float64'>().map((value) => Math.sqrt(Math.max(value, 0)));
          return [wanted.matmul(rows).transpose(0, 1).contiguous(), roots];
        }
        if (width + count > most) {
          for (const held of [basis, images])
            scope(() => held.narrow(0, 0, kept).copy_(best.matmul(held.narrow(0, 0, width))));
          width = kept;
        }
        append(residual);
        return undefined;
      });
      if (found) return found;
      releaseMemory();
    }
  });
