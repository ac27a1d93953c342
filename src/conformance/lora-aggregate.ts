/** Golden kind of the aggregation of low-rank factors: the weighted product, its best approximation, the means. */
import { aggregations, type Contribution, dominant, gauges, stacked, weightedMean } from '../federate/index.js';
import type { State } from '../nn/index.js';
import { type Tensor, tensor } from '../torch/index.js';
import { type Kind, tensorOf } from './case.js';

const [a, b] = ['layer.lora_A', 'layer.lora_B'];

export const loraAggregate: Kind = (golden, comparison) => {
  const [allA, allB] = [tensorOf(golden, 'input.A'), tensorOf(golden, 'input.B')];
  const weights = [...tensorOf(golden, 'input.weights').toArray<'float64'>()];
  const rank = golden.description.rank as number;
  const contributions = weights.map(
    (weight, k): Contribution => ({
      site: String(k),
      weight,
      read: (name) => ({ [a]: allA, [b]: allB })[name]?.select(0, k),
    }),
  );
  const product = stacked(
    contributions.map(({ weight, read }) => ({ weight, rank, read: () => ({ a: read(a)!, b: read(b)! }) })),
  );
  const wanted = (name: string, got: Tensor, note = '') => {
    const output = `output.${name}`;
    if (golden.raw.has(output)) comparison.tensor(name + note, got, tensorOf(golden, output));
  };
  const whole = product.right ? product.left.matmul(product.right) : product.left;
  wanted('weighted_product', whole);
  const { singular } = dominant(product, Number.POSITIVE_INFINITY);
  const values = new Float64Array(Math.min(...whole.shape));
  values.set(singular.subarray(0, values.length)); // beyond them the product has none
  wanted('singular_values', tensor(values));

  const global: State = new Map([
    [a, allA.select(0, 0)],
    [b, allB.select(0, 0)],
  ]);
  const input = { contributions, global, names: [a, b], combine: weightedMean, round: 1, seed: 1, hostile: 0 };
  for (const gauge of gauges) {
    const { tensors } = aggregations['product-svd'].aggregate({ ...input, gauge });
    const best = tensors.get(b)!.to('float64').matmul(tensors.get(a)!.to('float64'));
    wanted('rank_r_product', best, ` (${gauge})`);
  }
  const { tensors } = aggregations.mean.aggregate({ ...input, gauge: 'aligned' });
  wanted('mean_A', tensors.get(a)!);
  wanted('mean_B', tensors.get(b)!);
};
