/** What an aggregation holds of the updates at once: it must not grow with the number of sites. */
import { describe, expect, it } from 'vitest';
import {
  type AggregationName,
  aggregationNames,
  aggregations,
  median,
  weightedMean,
} from '../../src/federate/aggregation/index.js';
import { leading } from '../../src/federate/aggregation/leading.js';
import type { State } from '../../src/nn/index.js';
import { Generator, memoryStatistics, operator, setThreads, type Tensor } from '../../src/torch/index.js';

setThreads(1);

const randn = operator('aten::randn.generator') as (size: number[], options: { generator: Generator }) => Tensor;
const [out, inputs, rank] = [24, 18, 2];
const generator = new Generator(1);
const global: State = new Map([
  ['layer.lora_A', randn([rank, inputs], { generator })],
  ['layer.lora_B', randn([out, rank], { generator })],
  ['bias', randn([out], { generator })],
]);

/** The most that lives at once beside the global state while sites are aggregated: tensors, and their bytes. */
function mostHeld(name: AggregationName, sites: number, combine = weightedMean) {
  const most = { tensors: 0, bytes: 0 };
  const before = memoryStatistics();
  const contributions = Array.from({ length: sites }, (_, k) => ({
    site: String(k),
    weight: 1 / sites,
    read(wanted: string) {
      const value = global.get(wanted)!.mul(1 + (k % 7) / 10);
      const { tensors, bytes } = memoryStatistics();
      most.tensors = Math.max(most.tensors, tensors - before.tensors);
      most.bytes = Math.max(most.bytes, bytes - before.bytes);
      return value;
    },
  }));
  const settings = { combine, gauge: 'aligned', round: 1, seed: 1, hostile: 0.2 } as const;
  const names = [...global.keys()].sort();
  const { tensors, corrections = [] } = aggregations[name].aggregate({ ...settings, global, names, contributions });
  for (const value of tensors.values()) value.dispose();
  for (const { factors } of corrections) for (const value of Object.values(factors)) value.dispose();
  return most;
}

describe('an aggregation', () => {
  const quadratic = (name: AggregationName) => name.includes('krum');

  it.each(aggregationNames.filter((name) => !quadratic(name)))('%s holds as much of 200 sites as of 20', (name) => {
    const [few, many] = [mostHeld(name, 20), mostHeld(name, 200)];
    expect(many.tensors).toBeLessThanOrEqual(few.tensors);
    expect(many.tensors).toBeLessThan(30);
  });

  it.each(aggregationNames.filter(quadratic))('%s holds as much of 40 sites as of 20', (name) => {
    const [few, many] = [mostHeld(name, 20), mostHeld(name, 40)];
    expect(many.tensors).toBeLessThanOrEqual(few.tensors);
    expect(many.tensors).toBeLessThan(30);
  });

  it.each(['mean', 'product-svd', 'lora-fair'] as const)(
    '%s takes no more bytes for 1,200 sites than for 600',
    (name) => {
      expect(mostHeld(name, 1200).bytes).toBeLessThanOrEqual(mostHeld(name, 600).bytes);
    },
  );

  it('the median holds one tensor of all sites, or four megabytes of a larger one', () => {
    expect(mostHeld('mean', 100, median).tensors).toBeLessThan(100 + 30);
    const large = global.get('bias')!.reshape(1, out).expand(4000, out).contiguous();
    const before = memoryStatistics().bytes;
    let most = 0;
    const read = (site: number) => {
      most = Math.max(most, memoryStatistics().bytes - before);
      return large.add(site);
    };
    const middle = median(read, Array(41).fill(1 / 41));
    expect(most).toBeLessThan(2 ** 22 + 4 * large.size * 4);
    expect(middle.sub(large.add(20)).abs().max().item()).toBe(0);
  });
});

describe('the largest singular values', () => {
  const svd = operator('aten::linalg_svd') as (x: Tensor, full: boolean) => Tensor[];
  const normal = (...size: number[]) => randn(size, { generator }).to('float64');

  it.each([
    ['of a flat spectrum', () => normal(300, 240)],
    ['of a wide matrix', () => normal(200, 350)],
    ['of one that falls', () => normal(250, 40).matmul(normal(40, 250)).add(normal(250, 250).mul(0.1))],
    ['of a rank below what is asked for', () => normal(250, 3).matmul(normal(3, 250))],
    ['of zeros', () => normal(200, 200).mul(0)],
  ])('%s are those of a whole decomposition', (_, make) => {
    const matrix = make();
    const [vectors, values] = leading(matrix, 8);
    const [, exact, rows] = svd(matrix, false);
    const wanted = exact.toArray<'float64'>().subarray(0, 8);
    const largest = wanted[0] || 1;
    for (const [k, value] of values.entries()) expect(Math.abs(value - wanted[k]) / largest).toBeLessThan(1e-7);
    const gram = vectors.transpose(0, 1).matmul(vectors).toArray<'float64'>();
    for (const [at, value] of gram.entries()) expect(value).toBeCloseTo(at % 9 === 0 ? 1 : 0, 10);
    // What the product keeps of the matrix is the best that eight directions can.
    const kept = matrix.matmul(vectors).norm().item();
    const best = matrix
      .matmul(rows.narrow(0, 0, 8).transpose(0, 1))
      .norm()
      .item();
    expect(kept / (best || 1)).toBeCloseTo(best ? 1 : 0, 10);
  });
});
