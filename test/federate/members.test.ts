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

describe('a site whose folder is older than what it sent', () => {
  const gone = (round: number) =>
    ({ kind: 'failed', site: 'hand', round, reason: 'SITE_BEHIND', down: 0, behind: true }) as const;

  it('is left out of the rounds that follow, until it registers with a newer one', async () => {
    const staged = stage(configOf({ rounds: 5 }), {}, ['a']);
    const { coordinator, done, transport, base, events, ledger } = staged;
    const [hand, other] = [new Hand(transport, base), new Hand(transport, base, 'b')];
    for (const one of [hand, other]) await one.register();
    const update = async (one: Hand, round: number) => one.update(await one.task(round), good());
    for (const one of [hand, other]) await update(one, 1);
    await hand.task(2);
    await hand.say(gone(2));
    await update(other, 2);
    const third = await other.task(3);
    expect(Object.keys(third.chosen)).toEqual(['a', 'b']);
    expect(third.taken.hand).toBe(1); // it may look whether its folder is the newer one
    expect(coordinator.leftOut).toEqual(['hand']);
    await hand.register(); // the same numbers in the same session
    while (coordinator.leftOut.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await update(other, 3);
    for (const one of [hand, other]) await update(one, 4);
    for (const one of [hand, other]) await update(one, 5);
    await done;
    const weights = of(events, 'aggregated').map((event) => Object.keys(event.weights).join());
    expect(weights).toEqual(['a,b,hand', 'a,b', 'a,b', 'a,b,hand', 'a,b,hand']);
    expect(
      ledger()
        .filter((entry) => 'site' in entry && entry.site === 'hand')
        .map(({ kind }) => kind),
    ).toEqual([...['registered', 'accepted', 'failed', 'registered', 'accepted', 'accepted']]);
  });

  it('is waited for where it cannot be done without it, and may answer the same round', async () => {
    const { done, transport, base, events } = stage(configOf({ rounds: 1, minSites: 3 }), {}, ['a', 'b']);
    const hand = new Hand(transport, base);
    await hand.register();
    const task = await hand.task(1);
    await hand.say(gone(1));
    while (of(events, 'accepted').length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await hand.say(gone(1)); // it was started again, and nothing has changed
    await hand.update(task, good());
    await done;
    expect(of(events, 'failed')).toHaveLength(1);
    expect(Object.keys(of(events, 'aggregated')[0].weights)).toEqual(['a', 'b', 'hand']);
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
