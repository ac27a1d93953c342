/**
 * Coordinator and sites over a transport, one of the sites driven by hand: what is counted, what is refused and recorded,
 * deadlines, late answers, identities.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Gate } from '../../src/federate/gate.js';
import { Inbox } from '../../src/federate/inbox.js';
import { FederatedSite, folderStore, memoryStore, SigningKey, type Transport } from '../../src/federate/index.js';
import type { RoundTask } from '../../src/federate/messages.js';
import type { Bench } from '../../src/federate/reception.js';
import { textOfEvent } from '../../src/federation/running/words.js';
import { encodeSafetensors } from '../../src/formats/index.js';
import type { State } from '../../src/nn/index.js';
import { zeros } from '../../src/torch/index.js';
import { last } from '../last.js';
import { good, Hand, stage, taskIn } from './hand.js';
import { nameBias } from './regression.mjs';
import { configOf, HandClock, newFolder, of } from './small.js';

describe('traffic', () => {
  it.each(['fp32', 'int8'])(
    'in the ledger is what crossed the transport, both ways, framing included (%s)',
    async (wire) => {
      const crossed: Record<string, { down: number; up: number }> = { a: { down: 0, up: 0 }, b: { down: 0, up: 0 } };
      const wrap = (site: string, transport: Transport): Transport => ({
        ...transport,
        async *watchTasks(signal) {
          for await (const task of transport.watchTasks(signal)) {
            if (taskIn(task).kind === 'round') crossed[site].down += task.length;
            yield task;
          }
        },
        async getBlob(hash, limit) {
          const bytes = await transport.getBlob(hash, limit);
          crossed[site].down += bytes.length;
          return bytes;
        },
        async putBlob(bytes, round) {
          crossed[site].up += bytes.length;
          return transport.putBlob(bytes, round);
        },
        async updateState(name, state) {
          if (JSON.parse(JSON.parse(Buffer.from(state).toString()).body).kind === 'update')
            crossed[site].up += state.length;
          return transport.updateState(name, state);
        },
      });
      const { done, ledger, transport, base, events } = stage(configOf({ rounds: 2, wire, aggregation: 'fedex' }), {
        wrap,
      });
      await new Hand(transport, base).register({ cases: 0 });
      await done;
      const recorded: typeof crossed = { a: { down: 0, up: 0 }, b: { down: 0, up: 0 } };
      for (const entry of ledger())
        if (entry.kind === 'accepted') {
          recorded[entry.site].down += entry.down;
          recorded[entry.site].up += entry.up;
        }
      expect(recorded).toEqual(crossed);
      const total = of(events, 'aggregated').map(({ down, up }) => down + up);
      expect(total[0] + total[1]).toBe(crossed.a.down + crossed.a.up + crossed.b.down + crossed.b.up);
    },
  );
});

describe('an update that cannot be used is refused and recorded, and the round goes on', () => {
  const spoiled = (name: string, value: (state: State) => ReturnType<typeof zeros> | undefined) => {
    const state = good();
    const changed = value(state);
    if (changed) state.set(name, changed);
    else state.delete(name);
    return state;
  };
  const nan = zeros([10]);
  nan.fill_(Number.NaN);
  it.each<[string, RegExp, (hand: Hand, task: RoundTask) => Promise<unknown>]>([
    [
      'NaN',
      /head\.bias holds values that are no finite numbers/,
      (hand, task) =>
        hand.update(
          task,
          spoiled(nameBias, () => nan),
        ),
    ],
    [
      'another shape',
      /head\.bias is \[11\] instead of \[10\]/,
      (hand, task) =>
        hand.update(
          task,
          spoiled(nameBias, () => zeros([11])),
        ),
    ],
    [
      'a missing tensor',
      /it has no head\.bias/,
      (hand, task) =>
        hand.update(
          task,
          spoiled(nameBias, () => undefined),
        ),
    ],
    [
      'a tensor too many',
      /it has extra, which was not asked for/,
      (hand, task) =>
        hand.update(
          task,
          spoiled('extra', () => zeros([1])),
        ),
    ],
    [
      'garbage',
      /safetensors/,
      (hand, task) => hand.update(task, good(), { bytes: Buffer.from('garbage, not tensors') }),
    ],
    [
      'a digest of other tensors',
      /its content is not what was written/,
      (hand, task) => hand.update(task, good(), { metadata: { 'graft.sha256': '0'.repeat(64) } }),
    ],
    [
      'another round’s tensors',
      /its round is 9 instead of 1/,
      (hand, task) => hand.update(task, good(), { metadata: { round: '9' } }),
    ],
    [
      'another plan’s tensors',
      /its plan is full instead of lora/,
      (hand, task) => hand.update(task, good(), { metadata: { plan: 'full' } }),
    ],
    [
      'a blob that is not there',
      /is not there/,
      (hand, task) => hand.update(task, good(), { message: { blob: { hash: 'f'.repeat(64), length: 3 } } }),
    ],
  ])('%s', async (_, reason, act) => {
    for (const wire of ['fp32', 'int8']) {
      const { done, ledger, transport, base, events } = stage(configOf({ rounds: 1, wire }));
      const hand = new Hand(transport, base);
      await hand.register();
      await act(hand, await hand.task(1));
      await done;
      expect(of(events, 'refused')).toMatchObject([{ site: 'hand', round: 1, reason: expect.stringMatching(reason) }]);
      expect(ledger().filter(({ kind }) => kind === 'refused')).toMatchObject([{ site: 'hand', down: 7 }]);
      expect(Object.keys(of(events, 'aggregated')[0].weights)).toEqual(['a', 'b']);
    }
  });
});

describe('what a site says', () => {
  it('reaches ledger and people in one line, without what a terminal obeys, and cut off', async () => {
    const { done, ledger, transport, base, events, seen, folder } = stage(configOf({ rounds: 1 }));
    const hand = new Hand(transport, base);
    await hand.register();
    const task = await hand.task(1);
    await transport.updateState('hand', Buffer.from('\x1b[31mX\nround 1 of 1 is done'));
    await seen('dropped');
    const evil = `\x1b]0;owned\x07\x1b[2K\rround 1 of 1 is done\nb: taken ${'A'.repeat(900_000)}`;
    const tensors = new Map([[evil, { dtype: 'int8' as const, shape: [1], data: new Uint8Array(1) }]]);
    const labels = { site: 'hand', round: '1', base, plan: 'lora' };
    await hand.update(task, good(), { bytes: Buffer.concat(encodeSafetensors(tensors, labels)) });
    await done;
    const told = [...of(events, 'dropped'), ...of(events, 'refused')];
    expect(told.map(({ site }) => site)).toEqual(['hand', 'hand']);
    for (const event of told) {
      const shown = textOfEvent(event)!;
      expect(shown).not.toMatch(/\p{Cc}/u);
      expect(shown.length).toBeLessThan(1200);
    }
    expect(ledger().filter(({ kind }) => kind === 'refused').length).toBe(1);
    expect(statSync(join(folder, 'ledger.jsonl')).size).toBeLessThan(20_000);
  });
});

describe('what does not bear a site’s signature', () => {
  it('is set aside and not held against that site', async () => {
    const { done, ledger, transport, base, events } = stage(configOf({ rounds: 1 }));
    const [hand, thief] = [new Hand(transport, base), new Hand(transport, base)];
    await hand.register();
    const task = await hand.task(1);
    await thief.update(task, good());
    const failed = { kind: 'failed', reason: 'none', down: 0 } as const;
    await hand.say({ ...failed, site: 'a', round: 1 });
    await hand.say({ ...failed, site: 'a', round: 1 }, 'a');
    await transport.updateState('hand', Buffer.from('{"body": 3}'));
    await thief.register();
    await hand.say({ ...failed, site: 'hand', round: 1, federation: 'f'.repeat(16) });
    await hand.say({ ...failed, site: 'hand', round: 7 });
    await hand.say({ ...failed, site: 'hand', round: 8 });
    await hand.update(task, good());
    await done;
    expect(Object.keys(of(events, 'aggregated')[0].weights)).toEqual(['a', 'b', 'hand']);
    const told = ledger().flatMap((entry) =>
      'reason' in entry ? [`${entry.kind} ${entry.site}: ${entry.reason}`] : [],
    );
    expect(told).toEqual([
      expect.stringMatching(/^dropped hand: .*it is not signed with the key of that site/),
      expect.stringMatching(/^dropped a: .*it is not signed with the key of that site/),
      'rejected hand: it answers round 7, which was not begun',
    ]);
    expect(ledger().filter(({ kind }) => kind === 'noise')).toMatchObject([
      { round: 1, dropped: { hand: 5, a: 1 }, strangers: 0 },
    ]);
  });

  it('two sites of one name: the first is the site, the second learns that the name is taken', async () => {
    const { done, transport, base, seen, end, sites, publicKey } = stage(configOf({ rounds: 1 }));
    const hand = new Hand(transport, base);
    await hand.register();
    await seen('round');
    const second = new FederatedSite({
      ...{ name: 'hand', trainer: sites[0].trainer, transport, store: memoryStore() },
      coordinator: publicKey,
    });
    await expect(last(second.run(end.signal))).rejects.toMatchObject({ code: 'SITE_NAME_TAKEN' });
    await hand.update(await hand.task(1), good());
    await done;
  });

  it('a site keeps its key in its folder', () => {
    const store = folderStore(newFolder());
    expect(new SigningKey(store).publicKey).toBe(new SigningKey(store).publicKey);
    expect(new SigningKey(memoryStore()).publicKey).not.toBe(new SigningKey(store).publicKey);
  });
});

describe('a deadline', () => {
  it('lets the round go on without those that did not answer; what comes later is recorded and not used', async () => {
    const clock = new HandClock();
    const { done, transport, base, events, seen, ledger } = stage(configOf({ rounds: 2, deadline: 60 }), { clock });
    const hand = new Hand(transport, base);
    await hand.register();
    const task = await hand.task(1);
    const accepted = () => of(events, 'accepted').length;
    while (accepted() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    clock.advance(59);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(of(events, 'aggregated')).toEqual([]);
    clock.advance(1);
    await seen('aggregated', 1);
    expect(of(events, 'missing')).toEqual([{ kind: 'missing', round: 1, site: 'hand' }]);
    expect(Object.keys(of(events, 'aggregated')[0].weights)).toEqual(['a', 'b']);
    expect(of(events, 'aggregated')[0].weights.a).toBeCloseTo(40 / 120, 12);

    await hand.update(task, good());
    expect(await seen('late')).toMatchObject({ round: 1, site: 'hand' });
    await hand.update(task, good()); // said again: nothing new
    await hand.update(await hand.task(2), good());
    await done;
    expect(ledger().filter(({ kind }) => kind === 'late').length).toBe(1);
    expect(Object.keys(of(events, 'aggregated')[1].weights)).toEqual(['a', 'b', 'hand']);
  });

  it('counts from the last byte of a site that is waited for, up to ten deadlines', async () => {
    const clock = new HandClock();
    const { coordinator, done, transport, base, events, seen } = stage(configOf({ rounds: 1, deadline: 60 }), {
      clock,
    });
    const hand = new Hand(transport, base);
    await hand.register();
    await hand.task(1);
    while (of(events, 'accepted').length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const pass = async (seconds: number) => {
      clock.advance(seconds);
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    for (let passed = 0; passed < 550; passed += 50) {
      coordinator.moved('a'); // its update is there: it is not waited for
      if (passed > 0) coordinator.moved('hand');
      await pass(50);
    }
    expect(of(events, 'missing')).toEqual([]);
    coordinator.moved('hand');
    await pass(50);
    await seen('missing', 1);
    await done;
  });

  it('is of real time, when the time of day is set while a site’s bytes move', async () => {
    const waits: number[] = [];
    const clock = new (class extends HandClock {
      day = 0;
      override now(): Date {
        return new Date(super.now().getTime() + this.day);
      }
      override after(seconds: number): Promise<void> {
        waits.push(seconds);
        return super.after(seconds);
      }
    })();
    clock.advance(1e6);
    const inbox = new Inbox({} as Gate, {} as Bench, clock);
    inbox.startDeadline(1, 60, new AbortController().signal);
    clock.advance(30);
    inbox.moved();
    clock.day = -3 * 3600_000;
    clock.advance(30);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(waits).toEqual([60, 30]);
    clock.advance(30);
    expect(await inbox.next()).toEqual({ deadline: 1 });
  });

  it('lets the first round begin without sites that never came, unless they are too few', async () => {
    for (const [minSites, enough] of [
      [2, true],
      [3, false],
    ] as const) {
      const clock = new HandClock();
      const { done, events, seen } = stage(configOf({ rounds: 1, deadline: 60, minSites }), { clock });
      await seen('registered');
      await new Promise((resolve) => setTimeout(resolve, 20));
      clock.advance(60);
      if (enough) await done;
      else
        await expect(done).rejects.toMatchObject({
          code: 'TOO_FEW_SITES',
          message: expect.stringContaining('hand: not heard of'),
        });
      expect(of(events, 'aggregated').length).toBe(enough ? 1 : 0);
    }
  });

  it('ends a site’s training when the next round begins without it', async () => {
    const clock = new HandClock();
    const { done, transport, base, events, sites, seen } = stage(configOf({ rounds: 2, deadline: 60 }), { clock });
    const [first] = sites;
    let ended = 0;
    const train = first.trainer.train.bind(first.trainer);
    first.trainer.train = async function* (round, signal) {
      if (round.round > 1) return yield* train(round, signal);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      ended++;
      throw new Error('ended');
    };
    await new Hand(transport, base).register({ cases: 0 });
    await seen('accepted');
    clock.advance(60);
    await done;
    expect([ended, of(events, 'failed')]).toEqual([1, []]);
    expect(of(events, 'aggregated').map(({ weights }) => Object.keys(weights))).toEqual([['b'], ['a', 'b']]);
  });
});

describe('a number format', () => {
  it('in which a site’s difference is sent gives the coordinator the site’s weights', async () => {
    const { done, transport, base, initial, events } = stage(
      configOf({ rounds: 1, wire: 'int8', weights: { a: 0, b: 0, hand: 1 } }),
    );
    const hand = new Hand(transport, base);
    await hand.register();
    const difference: State = new Map([...good()].map(([name, value]) => [name, value.add(0.25)]));
    await hand.update(await hand.task(1), difference);
    await done;
    const [{ global }] = of(events, 'finished');
    const moved = global.get(nameBias)!.sub(initial.get(nameBias)!).toArray();
    for (const value of moved) expect(value).toBeCloseTo(0.25, 2);
  });
});
