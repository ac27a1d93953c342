/**
 * `lora-fair`: LoRA-FAIR (Bian et al. 2024, arXiv 2411.14961). Factors are averaged, and B̄ is then corrected so that its
 * product with Ā comes nearer to the mean product: (B̄ + ΔB)·Ā ≈ Σ wₖ BₖAₖ. A stays the mean, so that sites go on from a
 * common subspace, and nothing more travels than with `mean`.
 *
 * The paper minimises a cosine distance plus λ‖ΔB‖ by gradient descent; here the distance is the Frobenius norm, whose
 * minimum is a ridge regression and exact: ΔB = (Σ wₖ BₖAₖ − B̄Ā)·Āᵀ·(ĀĀᵀ + λ·I)⁻¹, with λ relative to the mean
 * diagonal of ĀĀᵀ.
 */

import type { State } from '../../nn/index.js';
import { type Keywords, operator, scope, type Tensor } from '../../torch/index.js';
import { type Aggregation, addError, combined, combinedBeside, ErrorSum, made, termsOf } from './aggregation.js';
import { pairsOf } from './pairs.js';
import type { Term } from './product.js';

/** λ of the paper. */
const RIDGE = 0.01;

const eye = operator('aten::eye') as (size: number, options: Keywords) => Tensor;
const trace = operator('aten::trace') as (x: Tensor) => Tensor;
const solve = operator('aten::linalg_solve') as (a: Tensor, b: Tensor) => Tensor;

export const loraFair: Aggregation = {
  personal: () => false,
  trains: () => true,
  aggregate(input) {
    const tensors: State = new Map();
    const error = new ErrorSum();
    const pairs = pairsOf(input.names);
    for (const pair of pairs) {
      for (const [name, value] of combined(input, [pair.a, pair.b])) tensors.set(name, value);
      const mean = tensors.get(pair.b)!;
      const corrected = made(() => {
        const a = tensors.get(pair.a)!.to('float64'); // [r, in]
        const rows = a.transpose(0, 1);
        const gram = a.matmul(rows); // [r, r]
        const turned = ({ weight, read }: Term) =>
          scope(() => {
            const one = read();
            return one.b.to('float64').matmul(one.a.to('float64').matmul(rows)).mul(weight);
          });
        const [first, ...others] = termsOf(input, pair);
        const sum = turned(first);
        for (const one of others) scope(() => sum.add_(turned(one)));
        const b = mean.to('float64');
        const residual = sum.sub(b.matmul(gram)); // (Σ wₖ BₖAₖ − B̄Ā)·Āᵀ [out, r]
        const [r] = gram.shape;
        const ridge = (RIDGE * trace(gram).item()) / r || 1; // an Ā of zeros leaves B̄ as it is
        const shifted = gram.add(eye(r, { dtype: 'float64' }).mul(ridge));
        return b
          .add(solve(shifted, residual.transpose(0, 1)).transpose(0, 1))
          .to('float32')
          .contiguous(); // [out, r]
      });
      mean.dispose();
      tensors.set(pair.b, corrected.keep());
      addError(error, input, pair, tensors);
    }
    for (const [name, value] of combinedBeside(input, pairs)) tensors.set(name, value);
    return { tensors, error: error.relative };
  },
};
