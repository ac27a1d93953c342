/**
 * `product-svd`: the weighted mean of the products Σ wₖ BₖAₖ, cut to rank r, as FLAP-SAM's reference code and FlexLoRA do
 * (arXiv 2407.21739; Bai et al. 2024, arXiv 2402.11505). They decompose the dense product; here it stays in thin factors
 * (`low-rank.ts`), or
 * is formed and its leading directions alone are found. Exact but for the singular values that are cut, which are the aggregation error.
 */
import type { State } from '../../nn/index.js';
import { type Aggregation, combinedBeside, ErrorSum, made, termsOf } from './aggregation.js';
import { factorise } from './gauge.js';
import { pairsOf } from './pairs.js';
import { stacked } from './product.js';

export const productSvd: Aggregation = {
  personal: () => false,
  trains: () => true,
  aggregate(input) {
    const pairs = pairsOf(input.names);
    const tensors: State = new Map();
    const error = new ErrorSum();
    for (const pair of pairs) {
      const { a, b, lost, norm } = made(() => {
        const last = input.global.get(pair.a)!;
        const { a, b, lost, norm } = factorise(stacked(termsOf(input, pair)), last, input.gauge);
        return { a: a.to('float32').contiguous(), b: b.to('float32').contiguous(), lost, norm };
      });
      tensors.set(pair.a, a.keep()).set(pair.b, b.keep());
      error.add(lost, norm);
    }
    // After the pairs, which need most of the memory.
    for (const [name, value] of combinedBeside(input, pairs)) tensors.set(name, value);
    return { tensors, error: error.relative };
  },
};
