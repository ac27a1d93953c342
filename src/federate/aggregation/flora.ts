/**
 * `flora`: FLoRA (Wang et al. 2024, arXiv 2409.05976). The factors of all sites are stacked, [B₁ … B_K]·[w₁A₁; …; w_K A_K]
 * is Σ wₖ BₖAₖ without any error, and goes into the frozen weights at every site; adapters begin anew, B with zeros and A
 * with random numbers. So every round can reach other directions than the last. What is sent to the sites grows with
 * their number, as with `fedex`.
 *
 * A is drawn from the study's seed and the round, in the size of the last A, so that a repeated run draws the same.
 */
import { random } from '../../core/index.js';
import { Generator, type Keywords, operator, scope, type Tensor, zeros } from '../../torch/index.js';
import { type Aggregation, type Correction, combinedBeside, ErrorSum, made, termsOf } from './aggregation.js';
import { thinFactors } from './fedex.js';
import { pairsOf } from './pairs.js';
import { normOf, normsOf } from './product.js';

const randn = operator('aten::randn.generator') as (size: number[], options: Keywords) => Tensor;

export const flora: Aggregation = {
  personal: () => false,
  trains: () => true,
  corrects: true,
  aggregate(input) {
    const pairs = pairsOf(input.names);
    const tensors = combinedBeside(input, pairs);
    const corrections: Correction[] = [];
    const error = new ErrorSum();
    for (const pair of pairs) {
      const last = input.global.get(pair.a)!;
      const thin = made(() => {
        const terms = termsOf(input, pair);
        const norm = normOf(terms);
        const thin = thinFactors(terms, norm);
        error.add(thin ? normsOf(terms, thin).error : norm, norm);
        return thin;
      });
      if (thin) corrections.push({ ...pair, factors: { a: thin.a.keep(), b: thin.b.keep() } });
      tensors.set(pair.a, redrawn(last, pair.a, input).keep());
      tensors.set(pair.b, zeros(input.global.get(pair.b)!.shape).keep());
    }
    return { tensors, corrections, error: error.relative };
  },
};

/** Normal numbers of the root mean square of the last A, [rank, in]. */
function redrawn(last: Tensor, name: string, { seed, round }: { seed: number; round: number }): Tensor {
  using generator = new Generator(random(seed, 'flora', round, name).seed());
  return scope(() => {
    const size = last.to('float64').norm().item() / Math.sqrt(last.size) || 1 / Math.sqrt(last.shape[1]);
    return randn(last.shape, { generator }).mul(size);
  });
}
