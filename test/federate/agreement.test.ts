/** What is recorded of how a round's updates lie to each other, against plain numbers; and that it takes no more memory for more sites. */
import { describe, expect, it } from 'vitest';
import { type Contribution, WatchedUpdates } from '../../src/federate/aggregation/index.js';
import { type Entry, ledgerFile, readLedger } from '../../src/federate/index.js';
import type { State } from '../../src/nn/index.js';
import { aggregationOf, driftOf } from '../../src/report/aggregation.js';
import {
  Generator,
  memoryStatistics,
  operator,
  scope,
  setThreads,
  type Tensor,
  tensor,
} from '../../src/torch/index.js';
import { configOf, newFolder, run } from './small.js';

setThreads(1);

const randn = operator('aten::randn.generator') as (size: number[], options: { generator: Generator }) => Tensor;
const generator = new Generator(3);
const normal = (...shape: number[]) => randn(shape, { generator });

const names = ['encoder.0.lora_w_a_q.0.weight', 'encoder.0.lora_w_b_q.0.weight', 'encoder.1.weight', 'head.bias'];
const shapes = [[2, 6], [5, 2], [4, 3], [7]];
const global: State = new Map(names.map((name, k) => [name, normal(...shapes[k]!)]));
const layers = ['encoder.0', 'encoder.1', 'head'];
const layerOf = (name: string) => layers.findIndex((layer) => name.startsWith(layer));

/** Sites that moved at random, all in one direction too, with the updates as plain numbers. */
function moved(sites: number, weights = Array.from({ length: sites }, () => 1 / sites)) {
  const common = new Map(names.map((name) => [name, normal(...global.get(name)!.shape)]));
  const states = weights.map(
    () => new Map([...global].map(([name, value]) => [name, value.add(common.get(name)!).add(normal(...value.shape))])),
  );
  const contributions: Contribution[] = weights.map((weight, k) => ({
    ...{ site: `site ${k}`, weight },
    read: (name) => states[k]!.get(name)?.clone(),
  }));
  const updates = states.map((state) => names.map((name) => minus(state.get(name)!, global.get(name)!)));
  return { contributions, updates, weights };
}

const minus = (a: Tensor, b: Tensor) => a.to('float64').sub(b.to('float64')).toArray<'float64'>();
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const cosine = (a: readonly number[], b: readonly number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

/** Of updates that are all read, as an aggregation does, and some twice. */
function readAll(input: ConstructorParameters<typeof WatchedUpdates>[0]) {
  using watched = new WatchedUpdates(input);
  for (const name of [...input.names, ...input.names.slice(1)])
    for (const { read } of watched.contributions) scope(() => void read(name));
  return watched.agreement();
}
const agreementOf = (input: Parameters<typeof readAll>[0]) => readAll(input)!;

describe('the agreement of updates', () => {
  it('is none where float32 cannot hold a difference, which a ledger could not say', () => {
    const found = (to: number) => {
      const contributions = ['a', 'b'].map((site) => ({ site, weight: 0.5, read: () => tensor([to]) }));
      return readAll({ contributions, global: new Map([['bias', tensor([3e38])]]), names: ['bias'] });
    };
    expect(found(-3e38)).toBeUndefined();
    expect(found(0)?.norm).toBeCloseTo(3e38, -36);
  });

  it('has the norms by layer and the cosines of plain computation', () => {
    const { contributions, updates, weights } = moved(4, [0.4, 0.3, 0.2, 0.1]);
    const found = agreementOf({ contributions, global, names });
    const flat = updates.map((parts) => parts.flatMap((part) => [...part]));
    const mean = (sites: number[]) =>
      flat[0]!.map((_, i) => sites.reduce((sum, k) => sum + weights[k]! * flat[k]![i]!, 0));
    expect(found.layers).toEqual(layers);
    expect(found.norm / Math.hypot(...mean([0, 1, 2, 3]))).toBeCloseTo(1, 3);
    for (const [k, { site, norms, cosine: own }] of found.sites.entries()) {
      expect(site).toBe(`site ${k}`);
      for (const [at, norm] of norms.entries()) {
        const parts = names.flatMap((name, i) => (layerOf(name) === at ? [...updates[k]![i]!] : []));
        expect(norm / Math.hypot(...parts)).toBeCloseTo(1, 3);
      }
      expect(own).toBeCloseTo(cosine(flat[k]!, mean([0, 1, 2, 3].filter((other) => other !== k))), 3);
    }
    const wanted = [1, 2, 3].flatMap((k) => [0, 1, 2].slice(0, k).map((j) => cosine(flat[k]!, flat[j]!)));
    expect(found.pairs).toHaveLength(6);
    for (const [at, value] of found.pairs!.entries()) expect(value).toBeCloseTo(wanted[at]!, 3);
  });

  it('is near that of plain computation where updates are larger than what is kept of them', () => {
    const [rows, columns] = [300, 700];
    const start = new Map([['layer.weight', normal(rows, columns).mul(0.1)]]);
    const common = normal(rows, columns);
    // Large in the same columns, as what an adapter adds is.
    const scale = tensor(Array.from({ length: columns }, (_, i) => (i % 100 === 0 ? 10 : 0.5)));
    const moves = Array.from({ length: 5 }, (_, k) =>
      common
        .mul(k === 4 ? -1 : 1)
        .add(normal(rows, columns))
        .mul(scale),
    );
    const contributions = moves.map((move, k) => ({
      ...{ site: String(k), weight: 0.2 },
      read: () => start.get('layer.weight')!.add(move),
    }));
    const found = agreementOf({ contributions, global: start, names: ['layer.weight'] });
    const product = (a: Tensor, b: Tensor) => a.mul(b).to('float64').sum().item();
    const exact = (a: Tensor, b: Tensor) => product(a, b) / Math.sqrt(product(a, a) * product(b, b));
    const wanted = [1, 2, 3, 4].flatMap((k) => moves.slice(0, k).map((move) => exact(moves[k]!, move)));
    for (const [at, value] of found.pairs!.entries()) expect(Math.abs(value! - wanted[at]!)).toBeLessThan(0.03);
    for (const [k, { norms }] of found.sites.entries())
      expect(norms[0]! / Math.sqrt(product(moves[k]!, moves[k]!))).toBeCloseTo(1, 3);
    expect([...driftOf(found.sites)]).toEqual([['4', 'direction']]);
  });

  it('counts what was sent, and knows no direction of one site or of none', () => {
    const { contributions, updates } = moved(2);
    const part = agreementOf({ contributions, global, names: ['head.bias'] });
    expect(part.layers).toEqual(layers);
    expect(part.sites[0]!.norms.slice(0, 2)).toEqual([0, 0]);
    expect(part.pairs![0]).toBeCloseTo(cosine([...updates[0]![3]!], [...updates[1]![3]!]), 3);
    expect(part.sites.map((site) => site.cosine)).toEqual([part.pairs![0], part.pairs![0]]);
    const alone = agreementOf({ contributions: [{ ...contributions[0]!, weight: 1 }], global, names });
    expect([alone.sites[0]!.cosine, alone.pairs]).toEqual([null, undefined]);
    const still = [contributions[0]!, { ...contributions[1]!, read: (name: string) => global.get(name)!.clone() }];
    const { sites, pairs } = agreementOf({ contributions: still, global, names });
    expect([sites.map((site) => site.cosine), pairs]).toEqual([[null, null], [null]]);
  });

  it('groups the layers of a large network by what their names begin with', () => {
    const many: State = new Map(
      Array.from({ length: 12 }, (_, block) =>
        ['q', 'v'].flatMap((to) =>
          ['a', 'b'].map((factor): [string, Tensor] => [
            `encoder.blocks.${block}.attn.lora_w_${factor}_${to}.0.weight`,
            tensor([block]),
          ]),
        ),
      )
        .flat()
        .concat(Array.from({ length: 30 }, (_, k) => [`decoder.mlps.${k}.weight`, tensor([k])] as [string, Tensor])),
    );
    const contributions = [{ site: 'a', weight: 1, read: (name: string) => many.get(name)!.add(1) }];
    const found = agreementOf({ contributions, global: many, names: [...many.keys()].sort() });
    expect(found.layers).toEqual([
      'decoder.mlps',
      ...Array.from({ length: 12 }, (_, block) => `encoder.blocks.${block}.attn`),
    ]);
    expect(found.sites[0]!.norms).toEqual([5.477, ...Array(12).fill(2)]);
  });

  it('holds as much of 100 sites as of 20, and compares all pairs of few alone', () => {
    const held = (sites: number) => {
      const { contributions } = moved(sites);
      const before = memoryStatistics().tensors;
      let most = 0;
      const watched = contributions.map((one) => ({
        ...one,
        read: (name: string) => {
          most = Math.max(most, memoryStatistics().tensors - before);
          return one.read(name);
        },
      }));
      const { pairs } = agreementOf({ contributions: watched, global, names });
      return { most, pairs };
    };
    const [few, many] = [held(20), held(100)];
    expect(many.most).toBeLessThanOrEqual(few.most);
    expect([few.pairs, held(16).pairs?.length]).toEqual([undefined, 120]);
  });

  it.each([
    ['exact', { aggregation: 'product-svd' }],
    ['rounded on the wire, of B alone in turn', { aggregation: 'rolora', wire: 'int8', compression: 'deflate' }],
    ['chosen', { aggregation: 'krum' }],
  ])('is recorded of every round and shown: %s', async (_, settings) => {
    const folder = newFolder();
    await run(folder, configOf(settings));
    const entries = readLedger(ledgerFile(folder));
    const rounds = entries.flatMap((entry) => (entry.kind === 'aggregated' ? [entry] : []));
    const accepted = entries.flatMap((entry) => (entry.kind === 'accepted' ? [entry] : []));
    const shown = aggregationOf('lora', rounds);
    expect(shown.rounds.map(({ round, error }) => [round, error])).toEqual(
      rounds.map(({ round, error }) => [round, error ?? null]),
    );
    for (const { round, agreement } of shown.rounds)
      for (const { site, norms } of agreement!.sites) {
        const judged = accepted.find((one) => one.round === round && one.site === site)!;
        expect(Math.hypot(...norms) / judged.norm).toBeCloseTo(1, 3);
      }
  });

  it('is not shown of rounds that an earlier version recorded', () => {
    const entries = JSON.parse(
      JSON.stringify([{ kind: 'aggregated', round: 1, error: undefined, metrics: {}, state: {} }]),
    ) as Extract<Entry, { kind: 'aggregated' }>[];
    expect(aggregationOf('x', entries)).toEqual({ title: 'x', rounds: [{ round: 1, error: null }] });
  });
});

describe('a site drifts', () => {
  const sites = (...values: [cosine: number | null, norm: number][]) =>
    values.map(([cosine, norm], k) => ({ site: 'abcdefgh'[k]!, norms: [norm], cosine }));
  it('where it goes in another direction than the others, or much further', () => {
    expect([...driftOf(sites([0.8, 1], [0.7, 1], [0.75, 1], [-0.2, 1]))]).toEqual([['d', 'direction']]);
    expect([...driftOf(sites([0.8, 1], [0.7, 9], [0.75, 1], [0.7, 1]))]).toEqual([['b', 'size']]);
  });
  it('not where all differ alike, nor where there are two', () => {
    expect(driftOf(sites([0.9, 1], [0.6, 1.5], [0.3, 2], [0, 1])).size).toBe(0);
    expect(driftOf(sites([0.8, 1], [0.79, 1], [0.65, 1])).size).toBe(0);
    expect(driftOf(sites([-0.8, 1], [-0.8, 20])).size).toBe(0);
    expect(driftOf(sites([null, 0], [null, 0], [null, 1])).size).toBe(1);
  });
});
