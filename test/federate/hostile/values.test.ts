/** One registered site sends numbers that would destroy the global model: the run goes on without it, and says so. */
import { describe, expect, it } from 'vitest';
import { memoryStore, SigningKey } from '../../../src/federate/index.js';
import { copyInto, type State } from '../../../src/nn/index.js';
import { good, Hand, stage } from '../hand.js';
import { configOf, newFolder, of } from '../small.js';

const everywhere = (value: number): State =>
  new Map(
    [...good()].map(([name, tensor]) => {
      tensor.fill_(value);
      return [name, tensor];
    }),
  );

/** A federation in which the site played by hand sends the same number everywhere, in every round. */
async function attacked(value: number, config: Record<string, unknown>) {
  const rounds = 3;
  const one = stage(configOf({ rounds, ...config }));
  const hand = new Hand(one.transport, one.base);
  await hand.register();
  for (let round = 1; round <= rounds; round++) await hand.update(await hand.task(round), everywhere(value));
  await one.done;
  copyInto(one.network, of(one.events, 'finished')[0].global);
  return { ...one, loss: one.loss() };
}

describe('finite numbers that are far too large', () => {
  it.each([
    [{ aggregation: 'mean' }],
    [{ aggregation: 'product-svd' }],
    [{ aggregation: 'fedex' }],
    [{ aggregation: 'flora' }],
    [{ aggregation: 'lora-fair' }],
    [{ aggregation: 'mean', server: { optimiser: 'fedadam', lr: 0.05 } }],
    [{ aggregation: 'mean', server: { optimiser: 'fedavgm' } }],
    [{ aggregation: 'product-svd', wire: 'int8' }],
    [{ aggregation: 'mean', wire: 'bf16', compression: 'deflate' }],
  ])('are refused with the default settings, and the others go on: %j', async (config) => {
    for (const value of [1e3, 1e20, 3e38]) {
      const { events, loss } = await attacked(value, config);
      const refused = of(events, 'refused');
      expect(refused.map(({ round, site }) => `${round} ${site}`)).toEqual(['1 hand', '2 hand', '3 hand']);
      expect(refused[0].reason).toMatch(/norm is .* more than 10 times|no finite numbers/);
      for (const { weights } of of(events, 'aggregated')) expect(Object.keys(weights)).toEqual(['a', 'b']);
      expect(loss).toBeLessThan(100);
    }
  });

  it('are refused also where there are but two sites', async () => {
    const one = stage(configOf({ rounds: 2 }), { sites: ['a', 'hand'] }, ['a']);
    const hand = new Hand(one.transport, one.base);
    await hand.register();
    for (const round of [1, 2]) await hand.update(await hand.task(round), everywhere(3)); // a norm of 26, the state has 1.7
    await one.done;
    expect(of(one.events, 'refused').map(({ site }) => site)).toEqual(['hand', 'hand']);
    expect(of(one.events, 'accepted').filter(({ site }) => site === 'a').length).toBe(2);
  });

  it('do not make an honest site’s look large where they are next to nothing', async () => {
    const one = stage(configOf({ rounds: 2 }), { sites: ['a', 'hand'] }, ['a']);
    const hand = new Hand(one.transport, one.base);
    await hand.register();
    for (const round of [1, 2]) {
      const task = await hand.task(round);
      await hand.update(task, round === 1 ? new Map(one.initial) : of(one.events, 'aggregated')[0].global);
    }
    await one.done;
    expect(of(one.events, 'refused')).toEqual([]);
  });
});

describe('updates that give no state together', () => {
  it.each(['fedex', 'product-svd'] as const)('are aggregated without the farthest: %s', async (aggregation) => {
    const { events, ledger } = await attacked(3e38, { aggregation, maxJump: null });
    expect(of(events, 'refused').length).toBe(3);
    for (const { reason } of of(events, 'refused')) expect(reason).toMatch(/with it the round gives no state/);
    const kinds = ledger().flatMap(({ kind }) => (/closed|refused|aggregated/.test(kind) ? [kind] : []));
    expect(kinds.slice(0, 4)).toEqual(['closed', 'refused', 'closed', 'aggregated']);
  });

  it('stop the run where none is left; the round is gone on with by the next start', async () => {
    const folder = newFolder();
    const config = configOf({ rounds: 1, server: { optimiser: 'fedavgm', lr: 10 }, maxJump: null });
    const key = new SigningKey(memoryStore());
    for (const value of [3e38, 0.1]) {
      const one = stage(config, { folder, sites: ['hand'] }, []);
      const hand = new Hand(one.transport, one.base, 'hand', key);
      if (value > 1) await hand.register();
      await hand.update(await hand.task(1), everywhere(value));
      if (value < 1) await one.done;
      else await expect(one.done).rejects.toMatchObject({ code: 'TOO_FEW_SITES' });
      expect(of(one.events, 'aggregated').length).toBe(value < 1 ? 1 : 0);
    }
  });
});
