/** What an aggregation holds of the updates at once: it must not grow with the number of sites. */
import { describe, expect, it } from 'vitest';
import {
  type AggregationName,
  aggregationNames,
  aggregations,
  median,
  weightedMean,
} from '../../src/federate/aggregation/index.js';
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

const holdsAll = (name: AggregationName) => name.includes('krum');

describe('an aggregation', () => {
  it.each(aggregationNames.filter((name) => !holdsAll(name)))('%s holds as much of 200 sites as of 20', (name) => {
    const [few, many] = [mostHeld(name, 20), mostHeld(name, 200)];
    expect(many.tensors).toBeLessThanOrEqual(few.tensors);
    expect(many.tensors).toBeLessThan(30);
  });

  it.each(['mean', 'product-svd', 'lora-fair'] as const)(
    '%s takes no more bytes for 1,200 sites than for 600',
    (name) => {
      expect(mostHeld(name, 1200).bytes).toBeLessThanOrEqual(mostHeld(name, 600).bytes);
    },
  );

  it.each(aggregationNames.filter(holdsAll))('%s holds one tensor of all sites', (name) => {
    expect(mostHeld(name, 100).tensors).toBeLessThan(100 + 30);
  });

  it('median holds one tensor of all sites', () => {
    const most = mostHeld('mean', 100, median);
    expect(most.tensors).toBeLessThan(100 + 30);
  });
});
