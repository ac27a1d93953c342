/** Aggregations against dense linear algebra: what they promise of products, factors, errors and outliers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AggregationInput,
  addError,
  aggregations,
  type Combine,
  combined,
  ErrorSum,
  factorOf,
  gauges,
  median,
  pairsOf,
  trimmedMean,
  weightedMean,
} from '../../src/federate/aggregation/index.js';
import type { State } from '../../src/nn/index.js';
import { Generator, operator, setThreads, type Tensor, tensor, zeros } from '../../src/torch/index.js';

setThreads(1);

const randn = operator('aten::randn.generator') as (size: number[], options: { generator: Generator }) => Tensor;
const svd = operator('aten::linalg_svd') as (x: Tensor, full: boolean) => Tensor[];
const [nameA, nameB, bias] = ['attn.lora_w_a_q.0.weight', 'attn.lora_w_b_q.0.weight', 'head.bias'];

interface Sizes {
  out: number;
  inputs: number;
  rank: number;
  sites: number;
  seed: number;
}

/** Sites that started from one pair and went different ways. */
function makeInput({ out, inputs, rank, sites, seed }: Sizes, spread = 0.5): AggregationInput {
  const generator = new Generator(seed);
  const normal = (...shape: number[]) => randn(shape, { generator });
  const global: State = new Map([
    [nameA, normal(rank, inputs)],
    [nameB, normal(out, rank)],
    [bias, normal(out)],
  ]);
  const raw = Array.from({ length: sites }, (_, k) => 1 + ((seed + k * 7) % 5));
  const sum = raw.reduce((a, b) => a + b, 0);
  const contributions = raw.map((weight, k) => {
    const state = new Map([...global].map(([name, value]) => [name, value.add(normal(...value.shape).mul(spread))]));
    return { site: `site${k}`, weight: weight / sum, read: (name: string) => state.get(name) };
  });
  const settings = { combine: weightedMean, gauge: 'aligned', round: 1, seed: 1, hostile: 0 } as const;
  return { contributions, global, names: [nameA, nameB, bias].sort(), ...settings };
}

const product = (b: Tensor, a: Tensor) => b.to('float64').matmul(a.to('float64'));
const mean = (input: AggregationInput) =>
  input.contributions
    .map(({ weight, read }) =>
      product(read(nameB) ?? input.global.get(nameB)!, read(nameA) ?? input.global.get(nameA)!).mul(weight),
    )
    .reduce((sum, one) => sum.add(one));
const distance = (a: Tensor, b: Tensor) => a.sub(b).norm().item() / Math.max(b.norm().item(), 1e-12);
const productOf = (tensors: State, global: State) =>
  product(tensors.get(nameB) ?? global.get(nameB)!, tensors.get(nameA) ?? global.get(nameA)!);

const sizes = fc.record({
  out: fc.integer({ min: 1, max: 40 }),
  inputs: fc.integer({ min: 1, max: 40 }),
  rank: fc.integer({ min: 1, max: 8 }),
  sites: fc.integer({ min: 1, max: 6 }),
  seed: fc.integer({ min: 0, max: 1e6 }),
});

describe('product-svd', () => {
  it.each(gauges)('is the best approximation of the weighted product, for any sizes (%s)', (gauge) => {
    fc.assert(
      fc.property(sizes, (size) => {
        const input = { ...makeInput(size), gauge };
        const { tensors, error } = aggregations['product-svd'].aggregate(input);
        expect(tensors.get(nameA)?.shape).toEqual([size.rank, size.inputs]);
        expect(tensors.get(nameB)?.shape).toEqual([size.out, size.rank]);
        const dense = mean(input);
        const [u, s, vt] = svd(dense, false);
        const kept = Math.min(size.rank, s.size);
        const best = u
          .narrow(1, 0, kept)
          .mul(s.narrow(0, 0, kept))
          .matmul(vt.narrow(0, 0, kept));
        const got = productOf(tensors, input.global);
        expect(distance(got, best)).toBeLessThan(1e-5);
        expect(error).toBeCloseTo(distance(best, dense), 6);
      }),
      { numRuns: 60 },
    );
  });

  it('is so for more sites than are multiplied at once', () => {
    const input = makeInput({ out: 20, inputs: 30, rank: 7, sites: 200, seed: 9 });
    const { tensors, error } = aggregations['product-svd'].aggregate(input);
    const dense = mean(input);
    const [u, s, vt] = svd(dense, false);
    const best = u
      .narrow(1, 0, 7)
      .mul(s.narrow(0, 0, 7))
      .matmul(vt.narrow(0, 0, 7));
    expect(distance(productOf(tensors, input.global), best)).toBeLessThan(1e-5);
    expect(error).toBeCloseTo(distance(best, dense), 6);
  });

  it('is exact, whatever the gauge, where the sites agree, and where there is nothing yet', () => {
    for (const gauge of gauges) {
      const input = { ...makeInput({ out: 9, inputs: 7, rank: 3, sites: 4, seed: 5 }, 0), gauge };
      const { tensors, error } = aggregations['product-svd'].aggregate(input);
      expect(distance(productOf(tensors, input.global), mean(input))).toBeLessThan(1e-6);
      expect(error).toBeLessThan(1e-6);
      const nothing = {
        ...input,
        contributions: [{ site: 'a', weight: 1, read: (name: string) => zeros(input.global.get(name)!.shape) }],
      };
      const { tensors: zero, error: none } = aggregations['product-svd'].aggregate(nothing);
      expect([...zero.values()].every((value) => value.toArray().every(Number.isFinite))).toBe(true);
      expect([productOf(zero, input.global).norm().item(), none]).toEqual([0, 0]);
    }
  });

  it('aligned: A keeps its size and stays where it was when the sites did not move', () => {
    const input = makeInput({ out: 30, inputs: 20, rank: 4, sites: 3, seed: 2 }, 0.01);
    // Rows at right angles, as a random A with many more columns nearly has.
    const [, , rows] = svd(input.global.get(nameA)!, false);
    input.global.set(nameA, rows.contiguous());
    const near = input.contributions.map((one) => ({
      ...one,
      read: (name: string) => (name === nameA ? rows.add(one.read(nameB)!.mean().mul(1e-3)) : one.read(name)),
    }));
    const { tensors } = aggregations['product-svd'].aggregate({ ...input, contributions: near });
    expect(distance(tensors.get(nameA)!, rows)).toBeLessThan(0.02);
    expect(tensors.get(nameA)!.norm().item()).toBeCloseTo(rows.norm().item(), 4);
  });

  it('balanced: both factors carry the root of each singular value; reference: B has orthonormal columns', () => {
    const input = makeInput({ out: 30, inputs: 20, rank: 4, sites: 3, seed: 2 });
    const [, s] = svd(mean(input), false);
    const squares = (factor: Tensor, dim: number) => [...factor.pow(2).sum([dim]).toArray()];
    const singular = [...s.toArray<'float64'>()].slice(0, 4);
    const ofGauge = (gauge: (typeof gauges)[number]) =>
      aggregations['product-svd'].aggregate({ ...input, gauge }).tensors;
    const [balanced, reference] = [ofGauge('balanced'), ofGauge('reference')];
    for (const [i, value] of singular.entries()) {
      expect(squares(balanced.get(nameB)!, 0)[i] / value).toBeCloseTo(1, 4);
      expect(squares(balanced.get(nameA)!, 1)[i] / value).toBeCloseTo(1, 4);
      expect(squares(reference.get(nameB)!, 0)[i]).toBeCloseTo(1, 5);
      expect(Math.sqrt(squares(reference.get(nameA)!, 1)[i]) / value).toBeCloseTo(1, 4);
    }
    // Signs are fixed: the largest entry of every row of A, or column of B, is positive.
    const lines = [balanced.get(nameA)!, reference.get(nameB)!.transpose(0, 1)].map((matrix) => [...matrix.toArray()]);
    for (const [which, length] of [20, 30].entries())
      for (let line = 0; line < 4; line++) {
        const values = lines[which].slice(line * length, (line + 1) * length);
        expect(Math.max(...values)).toBe(Math.max(...values.map(Math.abs)));
      }
  });
});

describe('the other aggregations', () => {
  const size = { out: 24, inputs: 18, rank: 3, sites: 4, seed: 11 };

  it('mean: averages factors, and says how far that is from the mean product', () => {
    const input = makeInput(size);
    const { tensors, error } = aggregations.mean.aggregate(input);
    const wanted = input.contributions.map(({ weight, read }) => read(nameA)!.mul(weight)).reduce((a, b) => a.add(b));
    expect(distance(tensors.get(nameA)!, wanted)).toBeLessThan(1e-6);
    expect(error).toBeCloseTo(distance(productOf(tensors, input.global), mean(input)), 5);
    expect(error).toBeGreaterThan(0.01);
  });

  it('fedex: the means and the residual together are the mean product', () => {
    fc.assert(
      fc.property(sizes, (any) => {
        const input = makeInput(any);
        const { tensors, corrections = [], error } = aggregations.fedex.aggregate(input);
        const residual = corrections.map(({ factors: { a, b } }) => product(b, a));
        const whole = residual.reduce((sum, one) => sum.add(one), productOf(tensors, input.global));
        expect(distance(whole, mean(input))).toBeLessThan(1e-6);
        expect(error).toBeLessThan(1e-6);
        const ranks = corrections.map(({ factors }) => factors.a.shape[0]);
        for (const rank of ranks) expect(rank).toBeLessThanOrEqual(Math.min(any.sites * any.rank, any.out, any.inputs));
      }),
      { numRuns: 40 },
    );
    expect(aggregations.fedex.aggregate(makeInput(size, 0)).corrections).toEqual([]);
  });

  it.each([
    ['ffa', 1, nameA],
    ['ffa', 2, nameA],
    ['rolora', 1, nameA],
    ['rolora', 2, nameB],
  ] as const)('%s, round %i: %s rests, and the mean is exact', (name, round, resting) => {
    const strategy = aggregations[name];
    const input = makeInput(size);
    const names = input.names.filter((one) => strategy.trains(one, round));
    expect(names).toEqual(input.names.filter((one) => one !== resting));
    const contributions = input.contributions.map((one) => ({
      ...one,
      read: (wanted: string) => (wanted === resting ? undefined : one.read(wanted)),
    }));
    const { tensors, error } = strategy.aggregate({ ...input, names, contributions });
    expect(tensors.has(resting)).toBe(false);
    expect(distance(productOf(tensors, input.global), mean({ ...input, contributions }))).toBeLessThan(1e-6);
    expect(error).toBeLessThan(1e-6);
  });

  it('fedsa: B stays at the site, and there is no error to state', () => {
    const { personal, trains, aggregate } = aggregations.fedsa;
    expect([nameA, nameB, bias].map((name) => [personal(name), trains(name, 1)])).toEqual([
      [false, true],
      [true, true],
      [false, true],
    ]);
    const input = makeInput(size);
    input.global = new Map([...input.global].filter(([name]) => name !== nameB));
    const { tensors, error } = aggregate({ ...input, names: [nameA, bias] });
    expect([[...tensors.keys()], error]).toEqual([[nameA, bias], undefined]);
  });

  it('flora: what goes into the frozen weights is the mean product, and adapters begin anew', () => {
    fc.assert(
      fc.property(sizes, (any) => {
        const input = makeInput(any);
        const { tensors, corrections = [], error } = aggregations.flora.aggregate(input);
        const whole = corrections.map(({ factors: { a, b } }) => product(b, a)).reduce((sum, one) => sum.add(one));
        expect(distance(whole, mean(input))).toBeLessThan(1e-6);
        expect(error).toBeLessThan(1e-6);
        expect(tensors.get(nameB)!.norm().item()).toBe(0);
        expect(tensors.get(nameA)!.norm().item()).toBeGreaterThan(0);
      }),
      { numRuns: 40 },
    );
    const [first, second] = [1, 2].map((round) => aggregations.flora.aggregate({ ...makeInput(size), round }).tensors);
    expect(distance(first.get(nameA)!, second.get(nameA)!)).toBeGreaterThan(0.5);
  });

  it('lora-fair: never farther from the mean product than the means, and what is left lies outside of A', () => {
    fc.assert(
      fc.property(sizes, (any) => {
        const input = makeInput(any);
        const { tensors, error } = aggregations['lora-fair'].aggregate(input);
        const means = aggregations.mean.aggregate(input);
        expect(distance(tensors.get(nameA)!, means.tensors.get(nameA)!)).toBeLessThan(1e-6);
        expect(error).toBeLessThanOrEqual(means.error! + 1e-6);
        const left = (from: State) =>
          mean(input)
            .sub(productOf(from, input.global))
            .matmul(tensors.get(nameA)!.to('float64').transpose(0, 1))
            .norm()
            .item();
        expect(left(tensors)).toBeLessThanOrEqual(left(means.tensors) + 1e-6);
      }),
      { numRuns: 40 },
    );
    const input = makeInput(size);
    expect(aggregations['lora-fair'].aggregate(input).error).toBeLessThan(
      0.95 * aggregations.mean.aggregate(input).error!,
    );
  });

  it.each(['krum', 'multi-krum'] as const)('%s: a minority that sends anything does not move it', (name) => {
    const honest = makeInput({ ...size, sites: 7 }, 0.01);
    const far = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.tuple(far, far),
        fc.subarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1, maxLength: 2 }),
        (lies, liars) => {
          const contributions = honest.contributions.map((one, k) => {
            const lie = lies[liars.indexOf(k)];
            return lie === undefined
              ? one
              : { ...one, weight: 1, read: (wanted: string) => one.read(wanted)!.add(lie) };
          });
          const { tensors, error } = aggregations[name].aggregate({ ...honest, contributions, hostile: 0.3 });
          for (const [wanted, value] of tensors)
            expect(distance(value, honest.global.get(wanted)!)).toBeLessThan(
              Math.max(0.05, Math.min(...lies.map(Math.abs))),
            );
          expect(error).toBeDefined();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('krum: takes the site in the middle of the others as it is; multi-krum the mean of all but the farthest', () => {
    const values = [0, 1, 1.1, 0.9, 50];
    const contributions = values.map((value, k) => ({
      site: `site${k}`,
      weight: 0.2,
      read: () => tensor([value, -value]),
    }));
    const input = {
      ...makeInput(size),
      contributions,
      names: [bias],
      global: new Map([[bias, zeros([2])]]),
      hostile: 0.2,
    };
    // n = 5, f = 1: two neighbours; sums of squares .02 + … decide for 1.
    expect([...aggregations.krum.aggregate(input).tensors.get(bias)!.toArray()]).toEqual([1, -1]);
    const [mean] = aggregations['multi-krum'].aggregate(input).tensors.get(bias)!.toArray();
    expect(mean).toBeCloseTo((0 + 1 + 1.1 + 0.9) / 4, 6);
  });

  it('all give the same bits for the same sites in the same order', () => {
    for (const strategy of Object.values(aggregations)) {
      const run = () => [...strategy.aggregate(makeInput(size)).tensors.values()].map((value) => value.toBytes());
      expect(run()).toEqual(run());
    }
  });

  it('tell the error of any factors', () => {
    const input = makeInput(size);
    const tensors: State = new Map([[nameB, input.global.get(nameB)!.mul(2)]]);
    const sum = new ErrorSum();
    expect(sum.relative).toBeUndefined();
    addError(sum, input, { a: nameA, b: nameB }, tensors);
    expect(sum.relative).toBeCloseTo(distance(productOf(tensors, input.global), mean(input)), 6);
  });
});

describe('robust combinations', () => {
  const values = [3, 1, 1000, 2, -1000].map((value) => tensor([value, 10]));
  const of = (combine: Combine, sites = values) => [
    ...combine(
      (site) => sites[site],
      sites.map(() => 1 / sites.length),
    ).toArray(),
  ];

  it('median: a minority of wrong sites does not move it', () => {
    expect(of(median)).toEqual([2, 10]);
    expect(of(median, values.slice(0, 4))).toEqual([2.5, 10]);
    expect(of(median, values.slice(0, 1))).toEqual([3, 10]);
  });

  it('trimmed mean: cuts the share off at either end', () => {
    expect(of(trimmedMean(0.2))).toEqual([2, 10]);
    expect(of(trimmedMean(0))[0]).toBeCloseTo(1.2, 6);
    expect(of(trimmedMean(0.49), values.slice(0, 2))).toEqual([2, 10]);
  });

  it('sort in blocks: each coordinate of a large tensor is what it would be alone', () => {
    const generator = new Generator(3);
    const sites = Array.from({ length: 7 }, () => randn([3, 1100], { generator }));
    const whole = median(
      (site) => sites[site],
      sites.map(() => 1 / 7),
    );
    expect(whole.shape).toEqual([3, 1100]);
    const rows = sites.map((site) => site.toArray());
    for (const [i, value] of whole.toArray().entries())
      expect(value).toBe(rows.map((row) => row[i]).sort((a, b) => a - b)[3]);
  });

  it('are applied to every tensor', () => {
    const input = { ...makeInput({ out: 4, inputs: 5, rank: 2, sites: 5, seed: 3 }), combine: median };
    const got = combined(input, [nameA]).get(nameA)!.toArray();
    const all = input.contributions.map(({ read }) => read(nameA)!.toArray());
    for (const [i, value] of got.entries()) expect(value).toBe(all.map((one) => one[i]).sort((a, b) => a - b)[2]);
  });
});

describe('factors by name', () => {
  it('are found in every naming that adapters here use', () => {
    const names = [
      'image_encoder.blocks.0.attn.lora_w_a_q.0.weight',
      'image_encoder.blocks.0.attn.lora_w_b_q.0.weight',
      'image_encoder.blocks.0.attn.lora_w_a_v.1.weight',
      'image_encoder.blocks.0.attn.lora_w_b_v.1.weight',
      'mlp.lin1.lora_w_a.0.weight',
      'mlp.lin1.lora_w_b.0.weight',
      'init_path.0.conv.lora_A',
      'init_path.0.conv.lora_B',
      'alone.lora_A',
      'attn.lora_scale',
      'attn.qkv.weight',
    ];
    expect(
      pairsOf(names)
        .map(({ a, b }) => [names.indexOf(a), names.indexOf(b)])
        .sort(),
    ).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    expect(names.map(factorOf)).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', undefined, undefined]);
  });
});
