/**
 * `fedex`: FedEx-LoRA (Singhal et al. 2025, arXiv 2410.09432). Factors are averaged, and what the product of the means lacks,
 * Σ wₖ BₖAₖ − B̄Ā, is added to the frozen weights at every site: exact. That residual has at most rank K·r and travels as
 * thin factors, so what is sent to the sites grows with their number.
 *
 * Its error is what float32 leaves of it. A lossy wire format rounds the residual too; that is not in the error.
 */
import { scope, type Tensor } from '../../torch/index.js';
import { type Aggregation, type Correction, combined, ErrorSum, made, termsOf } from './aggregation.js';
import { dominant } from './low-rank.js';
import { pairsOf } from './pairs.js';
import { normOf, normsOf, stacked, type Term, termOf, timesRight } from './product.js';

export const fedex: Aggregation = {
  personal: () => false,
  trains: () => true,
  corrects: true,
  aggregate(input) {
    const tensors = combined(input, input.names);
    const corrections: Correction[] = [];
    const error = new ErrorSum();
    for (const pair of pairsOf(input.names)) {
      const factors = made(() => {
        const terms = termsOf(input, pair);
        const mean = { a: tensors.get(pair.a)!, b: tensors.get(pair.b)! };
        const residual = [...terms, termOf(-1, mean)];
        const norm = normOf(terms);
        const factors = thinFactors(residual, norm);
        error.add(factors ? normsOf(residual, factors).error : normOf(residual), norm);
        return factors;
      });
      if (factors) corrections.push({ ...pair, factors: { a: factors.a.keep(), b: factors.b.keep() } });
    }
    return { tensors, corrections, error: error.relative };
  },
};

/** Σ wₖ BₖAₖ as float32 factors of the rank that is there; undefined where nothing but rounding is left. */
export const thinFactors = (terms: readonly Term[], norm: number): { b: Tensor; a: Tensor } | undefined =>
  scope(() => {
    const product = stacked(terms);
    const { basis, image, singular } = dominant(product, Number.POSITIVE_INFINITY);
    const rank = Math.min(singular.filter((value) => value > 1e-7 * norm).length, basis.shape[1]);
    if (rank === 0) return undefined;
    return {
      b: product.left
        .matmul(image.narrow(1, 0, rank))
        .to('float32')
        .contiguous(), // [out, k]
      a: timesRight(basis.narrow(1, 0, rank), product)
        .to('float32')
        .contiguous(), // [k, in]
    };
  });
