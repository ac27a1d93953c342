/**
 * Coordinator and sites over a transport, one of the sites driven by hand: what is counted, what is refused and recorded,
 * deadlines, late answers, identities.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  Coordinator,
  type CoordinatorOptions,
  type Entry,
  encodePayload,
  FederatedSite,
  type Federation,
  type FederationEvent,
  folderStore,
  localTransport,
  memoryStore,
  readLedger,
  type Transport,
  wireFormats,
} from '../../src/federate/index.js';
import { decodeTask, Identity, type RoundTask, type SiteState } from '../../src/federate/messages.js';
import { merge } from '../../src/federate/streams.js';
import { send } from '../../src/federate/wire/index.js';
import { copyState, type State } from '../../src/nn/index.js';
import { zeros } from '../../src/torch/index.js';
import { nameA, nameB, nameBias } from './regression.mjs';
import { configOf, HandClock, newFolder, of, regression } from './small.js';

type Event = FederationEvent<{ loss: number }>;

/** A coordinator and real sites `a` and `b`, with room for one called `hand` that the test plays. */
function stage(
  config: Federation,
  options: Partial<CoordinatorOptions> & { wrap?: (site: string, transport: Transport) => Transport } = {},
) {
  const { wrap = (_, transport) => transport, ...rest } = options;
  const [from, folder, transport] = [regression({ sites: ['a', 'b'] }), newFolder(), localTransport()];
  const { base, initial } = from;
  const coordinator = new Coordinator({
    folder,
    config,
    plan: 'lora',
    base,
    initial,
    sites: ['a', 'b', 'hand'],
    transport,
    ...rest,
  });
  const end = new AbortController();
  const sites = from.sites.map(
    ({ name, trainer }) => new FederatedSite({ name, trainer, transport: wrap(name, transport), store: memoryStore() }),
  );
  const events: Event[] = [];
  const waiting: { wanted: (event: Event) => boolean; resolve: (event: Event) => void }[] = [];
  const done = (async () => {
    try {
      for await (const event of merge<Event>([
        coordinator.run(end.signal),
        ...sites.map((site) => site.run(end.signal)),
      ])) {
        events.push(event.kind === 'finished' ? { ...event, global: copyState(event.global) } : event);
        for (const { wanted, resolve } of waiting) if (wanted(event)) resolve(event);
        if (event.kind === 'finished') break;
      }
    } finally {
      end.abort();
      coordinator[Symbol.dispose]();
    }
  })();
  /** The first event of a kind, also one that came already. */
  const seen = (kind: Event['kind'], round?: number) =>
    new Promise<Event>((resolve) => {
      const wanted = (event: Event) =>
        event.kind === kind && (round === undefined || ('round' in event && event.round === round));
      const before = events.find(wanted);
      if (before) resolve(before);
      else waiting.push({ wanted, resolve });
    });
  const ledger = (): Entry[] => readLedger(join(folder, 'ledger.jsonl'));
  return { ...from, folder, transport, events, done, seen, ledger, end };
}

/** A site played by hand. */
class Hand {
  readonly #transport: Transport;
  readonly #identity = new Identity(memoryStore());
  readonly name: string;
  readonly base: string;
  constructor(transport: Transport, base: string, name = 'hand') {
    this.#transport = transport;
    this.name = name;
    this.base = base;
  }
  register(values: Partial<Extract<SiteState, { kind: 'present' }>> = {}) {
    const { publicKey: key } = this.#identity;
    return this.say({ kind: 'present', site: this.name, key, base: this.base, slices: 60, cases: 2, ...values });
  }
  say(state: SiteState, as = this.name) {
    return this.#transport.updateState(as, this.#identity.sign(state));
  }
  async task(round: number): Promise<RoundTask> {
    const stop = new AbortController();
    for await (const bytes of this.#transport.watchTasks(stop.signal)) {
      const task = decodeTask(bytes);
      if (task.kind !== 'round' || task.round !== round) continue;
      stop.abort();
      return task;
    }
    throw new Error('no task');
  }
  /** An update of these tensors; fields of the message and the metadata may be falsified. */
  async update(
    task: RoundTask,
    state: State,
    {
      message = {},
      metadata = {},
      bytes,
    }: { message?: object; metadata?: Record<string, string>; bytes?: Uint8Array } = {},
  ) {
    const labels = { site: this.name, round: String(task.round), base: this.base, plan: 'lora', ...metadata };
    const format = wireFormats[task.wire];
    const payload = encodePayload(send(state, format, new Map()).coded, format, labels, task.compression);
    const sent = bytes ?? payload.bytes;
    await this.#transport.putBlob(sent, task.round);
    const blob = { hash: createHash('sha256').update(sent).digest('hex'), length: payload.length };
    const { federation, round } = task;
    await this.say({
      kind: 'update',
      site: this.name,
      federation,
      round,
      blob,
      metrics: {},
      down: 7,
      ...message,
    } as SiteState);
  }
}

const good = (): State =>
  new Map([
    [nameA, zeros([3, 12])],
    [nameB, zeros([10, 3])],
    [nameBias, zeros([10])],
  ]);

describe('traffic', () => {
  it.each(['fp32', 'int8'])(
    'in the ledger is what crossed the transport, both ways, framing included (%s)',
    async (wire) => {
      const crossed: Record<string, { down: number; up: number }> = { a: { down: 0, up: 0 }, b: { down: 0, up: 0 } };
      const wrap = (site: string, transport: Transport): Transport => ({
        ...transport,
        async *watchTasks(signal) {
          for await (const task of transport.watchTasks(signal)) {
            if (decodeTask(task).kind === 'round') crossed[site].down += task.length;
            yield task;
          }
        },
        async getBlob(hash) {
          const bytes = await transport.getBlob(hash);
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
  it.each<[string, RegExp, (hand: Hand, task: RoundTask) => Promise<void>]>([
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

describe('what does not bear a site’s signature', () => {
  it('is set aside and not held against that site', async () => {
    const { done, ledger, transport, base, events } = stage(configOf({ rounds: 1 }));
    const [hand, thief] = [new Hand(transport, base), new Hand(transport, base)];
    await hand.register();
    const task = await hand.task(1);
    await thief.update(task, good());
    await hand.say({ kind: 'failed', site: 'a', federation: task.federation, round: 1, reason: 'none', down: 0 });
    await hand.say({ kind: 'failed', site: 'a', federation: task.federation, round: 1, reason: 'none', down: 0 }, 'a');
    await transport.updateState('hand', Buffer.from('{"body": 3}'));
    await thief.register();
    const failed = { kind: 'failed', site: 'hand', round: 1, reason: 'none', down: 0 } as const;
    await hand.say({ ...failed, federation: 'another' });
    await hand.say({ ...failed, federation: task.federation, round: 7 });
    await hand.update(task, good());
    await done;
    expect(Object.keys(of(events, 'aggregated')[0].weights)).toEqual(['a', 'b', 'hand']);
    const rejected = ledger().flatMap((entry) => (entry.kind === 'rejected' ? [`${entry.site}: ${entry.reason}`] : []));
    const unsigned = expect.stringContaining('it is not signed with the key of that site');
    expect(rejected).toEqual([
      unsigned,
      expect.stringMatching(/^hand: .*it speaks for a/),
      expect.stringMatching(/^a: .*not signed with the key/),
      expect.stringMatching(/^hand: .*cannot be used/),
      unsigned,
      'hand: it belongs to another federation',
      'hand: it answers round 7, which was not begun',
    ]);
  });

  it('two sites of one name: the first is the site, the second learns that the name is taken', async () => {
    const { done, transport, base, seen, end, sites } = stage(configOf({ rounds: 1 }));
    const hand = new Hand(transport, base);
    await hand.register();
    await seen('round');
    const second = new FederatedSite({ name: 'hand', trainer: sites[0].trainer, transport, store: memoryStore() });
    await expect(second.run(end.signal).next()).rejects.toMatchObject({ code: 'SITE_NAME_TAKEN' });
    expect(await seen('rejected')).toMatchObject({
      site: 'hand',
      reason: expect.stringContaining('not signed with the key'),
    });
    await hand.update(await hand.task(1), good());
    await done;
  });

  it('a site keeps its key in its folder', () => {
    const store = folderStore(newFolder());
    expect(new Identity(store).publicKey).toBe(new Identity(store).publicKey);
    expect(new Identity(memoryStore()).publicKey).not.toBe(new Identity(store).publicKey);
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
