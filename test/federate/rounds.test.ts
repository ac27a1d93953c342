/** Whole federations of a small regression: what they learn, what travels, what is recorded, how they go on. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  aggregationNames,
  folderStore,
  type LocalTrainer,
  ledgerFile,
  personalOf,
  readLedger,
  siteFolder,
} from '../../src/federate/index.js';
import { copyInto, fingerprint, type State } from '../../src/nn/index.js';
import { memoryStatistics } from '../../src/torch/index.js';
import { nameA, nameB, type Regression } from './regression.mjs';
import { configOf, newFolder, of, regression, run } from './small.js';

type Trainer = LocalTrainer<{ loss: number }>;
/** The regression with some methods of one site's trainer replaced. */
function changed(site: string, methods: (trainer: Trainer) => Partial<Trainer>, from = regression()): Regression {
  const sites = from.sites.map((one) =>
    one.name === site ? { ...one, trainer: { ...one.trainer, ...methods(one.trainer) } } : one,
  );
  return { ...from, sites };
}
const lossOf = ({ network, loss }: Regression, global: State): number => {
  copyInto(network, global);
  return loss();
};

describe('a federation', () => {
  const start = regression().loss();

  it.each([
    ['mean', 0.05],
    ['product-svd', 0.05],
    ['fedex', 0.05],
    ['rolora', 0.3],
    ['ffa', 0.9], // a random A of rank 3 in 12 dimensions reaches little
  ] as const)('learns what the sites share: %s', async (aggregation, share) => {
    const from = regression();
    const events = await run(newFolder(), configOf({ aggregation, rounds: 8 }), { regression: from });
    expect(of(events, 'failed')).toEqual([]);
    const [{ global }] = of(events, 'finished');
    expect(lossOf(from, global)).toBeLessThan(share * start);
    for (const { error } of of(events, 'aggregated'))
      if (aggregation === 'mean' || aggregation === 'product-svd') expect(error).toBeGreaterThan(1e-6);
      else expect(error).toBeLessThan(1e-6);
  });

  it('fedsa: A is shared, B is each site’s own, and the site’s model is both', async () => {
    const [from, folder] = [regression(), newFolder()];
    const events = await run(folder, configOf({ aggregation: 'fedsa', rounds: 8 }), { regression: from });
    const [{ global }] = of(events, 'finished');
    expect(global.has(nameB)).toBe(false);
    const own = from.sites.map(({ name }) => personalOf(folderStore(siteFolder(folder, name))));
    expect(new Set(own.map(fingerprint)).size).toBe(3);
    for (const personal of own) expect(lossOf(from, new Map([...global, ...personal]))).toBeLessThan(0.15 * start);
  });

  it.each(['bf16', 'int8'])('learns as much when only %s travels, with a fraction of the error', async (wire) => {
    const losses = [];
    for (const format of ['fp32', wire]) {
      const from = regression();
      const [{ global }] = of(
        await run(newFolder(), configOf({ wire: format, rounds: 8 }), { regression: from }),
        'finished',
      );
      losses.push(lossOf(from, global));
    }
    expect(Math.abs(losses[1] / losses[0] - 1)).toBeLessThan(0.05);
  });

  it('does not mix sites that share a network: each with one of its own gives the same bits', async () => {
    for (const aggregation of aggregationNames) {
      const together = await run(newFolder(), configOf({ aggregation, wire: 'int8' }));
      const apart = regression();
      apart.sites = apart.sites.map((_, k) => regression().sites[k]);
      const separate = await run(newFolder(), configOf({ aggregation, wire: 'int8' }), { regression: apart });
      const [a, b] = [together, separate].map((events) => of(events, 'finished')[0].fingerprint);
      expect([aggregation, a]).toEqual([aggregation, b]);
    }
  });

  it('gives all sites the same state, also those that missed rounds of a strategy that sends parts', async () => {
    const from = regression({ sites: ['a', 'b', 'c', 'd'] });
    const loaded: string[] = [];
    let current = from.initial;
    from.sites = from.sites.map((site) => ({
      ...site,
      trainer: {
        ...site.trainer,
        load(tensors, local) {
          loaded.push(fingerprint(tensors));
          expect(fingerprint(tensors)).toBe(fingerprint(current));
          site.trainer.load(tensors, local);
        },
      },
    }));
    const config = configOf({ aggregation: 'rolora', sampling: 0.5, rounds: 8 });
    const evaluate = async (global: State) => {
      current = new Map([...global].map(([name, value]) => [name, value.clone().keep()]));
      return {};
    };
    const events = await run(newFolder(), config, { regression: from, evaluate });
    expect(of(events, 'failed')).toEqual([]);
    expect(loaded.length).toBe(16);
    const drawn = of(events, 'round').map(({ sites }) => sites.join());
    expect(new Set(drawn).size).toBeGreaterThan(2);
    expect(
      of(await run(newFolder(), config, { regression: regression({ sites: ['a', 'b', 'c', 'd'] }) }), 'round').map(
        ({ sites }) => sites.join(),
      ),
    ).toEqual(drawn);
  });

  it('weighs sites by slices, cases or numbers, and pulls them together with FedProx', async () => {
    const weightsOf = async (weights: unknown) =>
      of(await run(newFolder(), configOf({ rounds: 1, weights })), 'aggregated')[0].weights;
    expect(await weightsOf('slices')).toEqual({ a: 40 / 240, b: 80 / 240, c: 120 / 240 });
    expect(await weightsOf('cases')).toEqual({ a: 1 / 6, b: 2 / 6, c: 3 / 6 });
    expect(await weightsOf({ a: 3, b: 1, c: 0 })).toEqual({ a: 0.75, b: 0.25, c: 0 });
    await expect(weightsOf({ a: 1 })).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
    await expect(weightsOf({ a: 0, b: 0, c: 0 })).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
    const normOf = async (mu: number) =>
      of(await run(newFolder(), configOf({ rounds: 1, mu })), 'accepted').reduce((sum, { norm }) => sum + norm, 0);
    expect(await normOf(30)).toBeLessThan(0.8 * (await normOf(0)));
  });

  it('keeps as many tensors after a hundred site rounds as after ten', async () => {
    const from = regression();
    const counts: number[] = [];
    const evaluate = async () => {
      counts.push(memoryStatistics().tensors);
      return {};
    };
    await run(
      newFolder(),
      configOf({ rounds: 12, aggregation: 'fedex', wire: 'int8', server: { optimiser: 'fedadam' } }),
      {
        regression: from,
        evaluate,
      },
    );
    expect(counts.at(-1)! - counts[3]).toBeLessThanOrEqual(0);
  });

  it('has room for many sites: nothing warns of leaking listeners', async () => {
    const warnings: Error[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    const many = regression({ sites: Array.from({ length: 14 }, (_, k) => `site ${k}`), steps: 1, samples: 2 });
    const events = await run(newFolder(), configOf({ rounds: 1 }), { regression: many });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect([of(events, 'accepted').length, warnings]).toEqual([14, []]);
  });

  it('records scores of the global state', async () => {
    const folder = newFolder();
    const events = await run(folder, configOf({ rounds: 2 }), { evaluate: async (_, round) => ({ dice: round / 10 }) });
    expect(of(events, 'aggregated').map(({ metrics }) => metrics)).toEqual([{ dice: 0.1 }, { dice: 0.2 }]);
    const recorded = readLedger(ledgerFile(folder)).flatMap((entry) =>
      entry.kind === 'aggregated' ? [entry.metrics] : [],
    );
    expect(recorded).toEqual([{ dice: 0.1 }, { dice: 0.2 }]);
  });
});

describe('a federation that was ended', () => {
  const config = configOf({
    rounds: 4,
    aggregation: 'product-svd',
    wire: 'int8',
    server: { optimiser: 'fedadam', lr: 0.05 },
  });

  it('goes on from its folder to the same bits, wherever it was ended, and then only tells the result', async () => {
    const undisturbed = newFolder();
    const [{ fingerprint: want }] = of(await run(undisturbed, config), 'finished');
    const folder = newFolder();
    for (const after of [2, 9, 25, 26, 3, 40]) {
      const controller = new AbortController();
      let count = 0;
      const from = regression();
      const { sites, base, initial } = from;
      const { runFederation } = await import('../../src/federate/index.js');
      for await (const _ of runFederation({
        folder,
        config,
        plan: 'lora',
        base,
        initial,
        sites,
        signal: controller.signal,
      }))
        if (++count === after) controller.abort();
    }
    expect(of(await run(folder, config), 'finished')[0].fingerprint).toBe(want);
    const again = await run(folder, config);
    expect(again.map(({ kind }) => kind)).toEqual(['finished']);
    const traffic = (path: string) =>
      readLedger(ledgerFile(path)).flatMap((entry) =>
        entry.kind === 'accepted' ? [[entry.round, entry.site, entry.norm, entry.metrics]] : [],
      );
    expect(traffic(folder).map(String).sort()).toEqual(traffic(undisturbed).map(String).sort());
  });

  it.each(
    // In turns, for time.
    aggregationNames.map((aggregation, i) =>
      i % 2 === 0
        ? { aggregation, wire: 'fp32', server: {} }
        : { aggregation, wire: 'int8', server: { optimiser: 'fedadam', lr: 0.05 } },
    ),
  )(
    'with more rounds has the bits of one that asked for them from the start: $aggregation, $wire',
    async (settings) => {
      const sites = regression({ sites: ['a', 'b', 'c', 'd', 'e'] });
      const asked = (rounds: number) => configOf({ ...settings, rounds });
      const [{ fingerprint: want }] = of(await run(newFolder(), asked(3), { regression: sites }), 'finished');
      const folder = newFolder();
      await run(folder, asked(1), { regression: regression({ sites: ['a', 'b', 'c', 'd', 'e'] }) });
      const extended = { regression: regression({ sites: ['a', 'b', 'c', 'd', 'e'] }), extend: true };
      const events = await run(folder, asked(3), extended);
      expect(of(events, 'round').map(({ round }) => round)).toEqual([2, 3]);
      expect(of(events, 'finished')[0].fingerprint).toBe(want);
      const fewer = run(folder, asked(2), extended);
      await expect(fewer).rejects.toMatchObject({ message: expect.stringContaining('rounds: 3 in the ledger, 2 now') });
    },
  );

  it('takes a site in for the rounds that are left, which it has to be asked for', async () => {
    const folder = newFolder();
    await run(folder, configOf({ rounds: 1 }));
    const more = () => ({ regression: regression({ sites: ['a', 'b', 'c', 'x'] }) });
    const events = await run(folder, configOf({ rounds: 2 }), { ...more(), extend: true });
    expect(of(events, 'registered').map(({ site }) => site)).toEqual(['x']);
    expect(of(events, 'round')).toMatchObject([{ round: 2, sites: ['a', 'b', 'c', 'x'] }]);
    expect(Object.keys(of(events, 'aggregated')[0].weights)).toEqual(['a', 'b', 'c', 'x']);
    expect(readLedger(ledgerFile(folder)).filter(({ kind }) => kind === 'extended')).toMatchObject([{ joined: ['x'] }]);
    await expect(run(folder, configOf({ rounds: 3 }), { extend: true })).rejects.toMatchObject({
      message: expect.stringContaining('sites: ["a","b","c","x"] in the ledger, ["a","b","c"] now'),
    });
  });

  it('is not resumed under another configuration; what changed is named', async () => {
    const folder = newFolder();
    await run(folder, configOf({ rounds: 1 }));
    const other = configOf({ rounds: 2, aggregation: 'ffa', server: { lr: 2 } });
    await expect(run(folder, other, { plan: 'decoder' })).rejects.toMatchObject({
      code: 'FEDERATION_CHANGED',
      message: expect.stringMatching(
        /changed: rounds: 1 in the ledger, 2 now; aggregation: .* now; server\.lr: 1 in .*; plan: "lora" .* now\.$/,
      ),
    });
    const sites = regression({ sites: ['a', 'b', 'x'] });
    await expect(run(folder, configOf({ rounds: 1 }), { regression: sites })).rejects.toMatchObject({
      message: expect.stringMatching(/changed: sites: \["a","b","c"\] in the ledger, \["a","b","x"\] now\.$/),
    });
    expect(of(await run(folder, configOf({ rounds: 1 })), 'finished').length).toBe(1);
  });

  it('starts anew where its folder was removed', async () => {
    const folder = newFolder();
    await run(folder, configOf({ rounds: 1 }));
    expect(existsSync(join(folder, 'sites', 'a', 'key.pem'))).toBe(true);
    rmSync(folder, { recursive: true });
    expect(of(await run(folder, configOf({ rounds: 2 })), 'aggregated').length).toBe(2);
  });
});

describe('a site that cannot be used', () => {
  it('that fails is left out, the shares are renewed, and it is back in the next round', async () => {
    const folder = newFolder();
    let calls = 0;
    const from = changed('c', (trainer) => ({
      async *train(round, signal) {
        if (++calls === 1) throw new Error('the disk is gone');
        return yield* trainer.train(round, signal);
      },
    }));
    const events = await run(folder, configOf({ rounds: 2 }), { regression: from });
    expect(of(events, 'failed')).toMatchObject([{ round: 1, site: 'c', reason: 'the disk is gone' }]);
    expect(of(events, 'aggregated').map(({ weights }) => Object.keys(weights))).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]);
    expect(of(events, 'aggregated')[0].weights.a).toBeCloseTo(1 / 3, 12);
    expect(readLedger(ledgerFile(folder)).filter(({ kind }) => kind === 'failed')).toMatchObject([{ site: 'c' }]);
  });

  it('whose training diverged says so and keeps its last good state', async () => {
    const from = changed('b', (trainer) => ({
      async *train(round, signal) {
        const metrics = yield* trainer.train(round, signal);
        if (round.round === 1) from.network.get(nameA)!.detach().fill_(Number.NaN);
        return metrics;
      },
    }));
    const events = await run(newFolder(), configOf({ rounds: 2 }), { regression: from });
    expect(of(events, 'failed')).toMatchObject([{ round: 1, site: 'b', reason: expect.stringContaining(nameA) }]);
    expect(
      of(events, 'accepted')
        .filter(({ round }) => round === 2)
        .map(({ site }) => site)
        .sort(),
    ).toEqual(['a', 'b', 'c']);
    expect(Number.isFinite(lossOf(from, of(events, 'finished')[0].global))).toBe(true);
  });

  it('whose update is far larger than the others’ is refused', async () => {
    const from = changed('b', (trainer) => ({
      async *train(round, signal) {
        const metrics = yield* trainer.train(round, signal);
        from.network.get(nameB)!.detach().mul_(1e4);
        return metrics;
      },
    }));
    const byRatio = await run(newFolder(), configOf({ rounds: 1, maxNormRatio: 20, maxJump: null }), {
      regression: from,
    });
    expect(of(byRatio, 'refused')).toMatchObject([
      { site: 'b', reason: expect.stringContaining('20 times the median') },
    ]);
    expect(Object.keys(of(byRatio, 'aggregated')[0].weights)).toEqual(['a', 'c']);
    const byNorm = await run(newFolder(), configOf({ rounds: 1, maxNorm: 100 }), { regression: from });
    expect(of(byNorm, 'refused')).toMatchObject([{ site: 'b', reason: expect.stringContaining('more than 100') }]);
    const median = await run(newFolder(), configOf({ rounds: 1, robust: 'median' }), { regression: from });
    expect(lossOf(from, of(median, 'finished')[0].global)).toBeLessThan(10);
  });

  it('without cases, or with another frozen network, is not taken in', async () => {
    const from = changed(
      'a',
      () => ({ cases: 0 }),
      changed('b', () => ({ base: 'another' })),
    );
    const events = await run(newFolder(), configOf({ rounds: 1 }), { regression: from });
    expect(of(events, 'rejected').map(({ site, reason }) => [site, reason])).toEqual([
      ['a', 'it has no training cases'],
      ['b', 'its frozen network is another one'],
    ]);
    expect(of(events, 'aggregated')[0].weights).toEqual({ c: 1 });
  });

  it('stops the run where fewer than the minimum are left; nothing is lost and it can be resumed', async () => {
    const config = configOf({ rounds: 3, minSites: 3 });
    const [{ fingerprint: want }] = of(await run(newFolder(), config), 'finished');
    const folder = newFolder();
    const broken = changed('c', () => ({
      // biome-ignore lint/correctness/useYield: it fails at once
      async *train() {
        throw new Error('out of memory');
      },
    }));
    await expect(run(folder, config, { regression: broken })).rejects.toMatchObject({
      code: 'TOO_FEW_SITES',
      message: 'Round 1 has 2 usable sites and needs 3 (c: out of memory).',
    });
    const events = await run(folder, config);
    expect(of(events, 'finished')[0].fingerprint).toBe(want);
    expect(
      of(events, 'trained')
        .filter(({ round }) => round === 1)
        .map(({ site }) => site),
    ).toEqual(['c']);

    const alone = changed('a', () => ({ cases: 0 }));
    await expect(run(newFolder(), config, { regression: alone })).rejects.toMatchObject({
      code: 'TOO_FEW_SITES',
      message: expect.stringContaining('a: it has no training cases'),
    });
  });

  it('must have a name of its own that can be a folder', async () => {
    const named = (...sites: string[]) => run(newFolder(), configOf(), { regression: regression({ sites }) });
    await expect(named('a', 'b', 'a')).rejects.toMatchObject({ code: 'SITE_TWICE' });
    await expect(named('a', '../b')).rejects.toMatchObject({ code: 'SITE_NAME_INVALID' });
    await expect(named('a', '..')).rejects.toMatchObject({ code: 'SITE_NAME_INVALID' });
  });
});

describe('settings that make no sense', () => {
  it('are refused before anything is trained', async () => {
    await expect(run(newFolder(), configOf({ aggregation: 'product-svd', robust: 'median' }))).rejects.toMatchObject({
      code: 'AGGREGATION_UNSUITED',
    });
    const only = (name: string): Partial<{ initial: State }> => ({
      initial: new Map([...regression().initial].filter(([one]) => one === name)),
    });
    for (const [aggregation, name] of [
      ['ffa', nameA],
      ['fedsa', nameB],
      ['rolora', nameA],
    ])
      await expect(run(newFolder(), configOf({ aggregation }), only(name))).rejects.toMatchObject({
        code: 'FEDERATION_EMPTY',
      });
    const from = regression();
    from.sites = from.sites.map(({ name, trainer: { correct: _, ...trainer } }) => ({ name, trainer }));
    await expect(run(newFolder(), configOf({ aggregation: 'fedex' }), { regression: from })).rejects.toMatchObject({
      code: 'TOO_FEW_SITES',
      message: expect.stringContaining('frozen weights'),
    });
  });
});
