/** Who may take part changes while a federation runs: a site is revoked, another one is admitted. */
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/federate/index.js';
import { good, Hand, stage } from './hand.js';
import { configOf, of } from './small.js';

const keysIn = (entries: Entry[]) =>
  Object.fromEntries(entries.flatMap((entry) => (entry.kind === 'registered' ? [[entry.site, entry.key]] : [])));

describe('a site that is revoked', () => {
  it('is waited for no more, and is not chosen again', async () => {
    const { coordinator, done, transport, base, events, ledger } = stage(configOf({ rounds: 2 }));
    const hand = new Hand(transport, base);
    await hand.register();
    const task = await hand.task(1);
    const { hand: _, ...others } = keysIn(ledger());
    coordinator.admit(others);
    await hand.update(task, good());
    await done;
    expect(of(events, 'aggregated').map(({ weights }) => Object.keys(weights))).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(ledger().filter((entry) => entry.kind === 'members')).toMatchObject([{ sites: ['a', 'b'] }]);
  });

  it('has no part in the round under way, though its update was taken', async () => {
    const { coordinator, done, transport, base, events, ledger, seen } = stage(configOf({ rounds: 1 }), {}, ['a']);
    const [revoked, slow] = [new Hand(transport, base), new Hand(transport, base, 'b')];
    for (const one of [revoked, slow]) await one.register();
    const task = await revoked.task(1);
    await revoked.update(task, good());
    const accepted = () => of(events, 'accepted').map(({ site }) => site);
    while (!accepted().includes('hand')) await new Promise((resolve) => setTimeout(resolve, 5));
    const { hand: _, ...others } = keysIn(ledger());
    coordinator.admit(others);
    while (!ledger().some(({ kind }) => kind === 'members')) await new Promise((resolve) => setTimeout(resolve, 5));
    await slow.update(task, good());
    await seen('aggregated');
    await done;
    expect(Object.keys(of(events, 'aggregated')[0].weights)).toEqual(['a', 'b']);
  });
});

describe('a site that is admitted later', () => {
  it('takes part from the next round on, and nobody waits for it', async () => {
    const sites = ['a', 'b'];
    const staged = stage(configOf({ rounds: 3 }), { sites }, ['a']);
    const { coordinator, done, transport, base, events, ledger } = staged;
    const [known, late] = [new Hand(transport, base, 'b'), new Hand(transport, base)];
    await known.register();
    const first = await known.task(1);
    coordinator.admit({ ...keysIn(ledger()), hand: late.identity.publicKey });
    await known.update(first, good());
    const second = await known.task(2); // the rounds go on without it
    await late.register();
    while (!keysIn(ledger()).hand) await new Promise((resolve) => setTimeout(resolve, 5));
    await known.update(second, good());
    await known.update(await known.task(3), good());
    await late.update(await late.task(3), good());
    await done;
    expect(of(events, 'round').at(-1)?.sites).toEqual(['a', 'b', 'hand']);
    expect(Object.keys(of(events, 'aggregated')[2].weights)).toContain('hand');
  });
});
