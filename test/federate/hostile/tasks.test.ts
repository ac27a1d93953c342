/** Somebody writes to a site in the coordinator's place, or the coordinator sends what does not fit: the site does nothing. */
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { writing } from '../../../src/core/index.js';
import {
  type Compression,
  type Ended,
  encodePayload,
  FederatedSite,
  localTransport,
  memoryStore,
  SigningKey,
  wireFormats,
} from '../../../src/federate/index.js';
import type { DoneTask, RoundTask, SiteState, Task } from '../../../src/federate/messages.js';
import { keyName } from '../../../src/federate/signing.js';
import type { Agreed } from '../../../src/federate/site.js';
import { send } from '../../../src/federate/wire/index.js';
import type { State } from '../../../src/nn/index.js';
import { type Tensor, zeros } from '../../../src/torch/index.js';
import { nameA, nameB, nameBias } from '../regression.mjs';
import { regression } from '../small.js';

const place = { federation: 'f'.repeat(16), session: '1'.repeat(32) };
const pause = (milliseconds = 20) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A site, whose coordinator is played by hand. */
function siteOf({
  store = memoryStore(),
  compression = 'none' as Compression,
  key = new SigningKey(memoryStore()),
  over: ended = undefined as Ended | undefined,
  agreed = undefined as Agreed | undefined,
} = {}) {
  const transport = localTransport();
  const { base, initial, sites } = regression({ sites: ['a'], steps: 60 });
  const { trainer } = sites[0];
  const trained: number[] = [];
  const train: typeof trainer.train = (round, signal) => {
    trained.push(round.round);
    return trainer.train(round, signal);
  };
  const site = new FederatedSite({
    ...{ name: 'a', trainer: { ...trainer, train }, transport, store, over: ended, agreed },
    coordinator: key.publicKey,
  });
  const end = new AbortController();
  const events: unknown[] = [];
  const done = (async () => {
    for await (const event of site.run(end.signal)) if (event.kind !== 'progress') events.push(event);
  })();
  done.catch(() => {}); // tests look at it where they expect it
  const said: SiteState[] = [];
  void (async () => {
    for await (const { state } of transport.presence(end.signal))
      said.push(JSON.parse(JSON.parse(Buffer.from(state).toString()).body));
  })();
  const put = async (state: State) => {
    const format = wireFormats.fp32;
    const { bytes, length } = encodePayload(send(state, format, new Map()).coded, format, {}, compression);
    return { hash: await transport.putBlob(bytes), length };
  };
  const round = async (values: Partial<RoundTask> = {}): Promise<RoundTask> => ({
    ...{ kind: 'round', ...place, round: 1, rounds: 9, chosen: { a: keyName(site.publicKey) }, taken: {} },
    ...{ base, plan: 'lora', aggregation: 'mean', wire: 'fp32', compression, mu: 0, full: await put(initial) },
    ...{ corrections: [], ...values },
  });
  const over = async (): Promise<DoneTask> => {
    const { chosen: _, taken: __, rounds: ___, mu: ____, ...global } = await round();
    return { ...global, kind: 'done', sites: ['a'] };
  };
  const ask = (task: Task, by = key) => transport.publishTask(by.seal('coordinator', task));
  const answers = async (count = 1) => {
    while (said.length < count) await pause(5);
    return said;
  };
  return { site, transport, key, initial, end, events, done, said, trained, put, round, over, ask, answers };
}

describe('a task that the coordinator has not signed', () => {
  it('makes a site do nothing: it stays, and answers the coordinator', async () => {
    const one = siteOf();
    const forger = new SigningKey(memoryStore());
    const task = await one.round();
    await one.transport.publishTask(Buffer.from(JSON.stringify(task)));
    await one.ask(task, forger);
    await one.ask(await one.over(), forger);
    await one.transport.publishTask(one.key.seal('site', task)); // signed as another kind of message
    await one.transport.publishTask(new Uint8Array(2 ** 24 + 1));
    await pause();
    expect([one.trained, one.said]).toEqual([[], []]);
    expect(one.events).toEqual([{ kind: 'ignored', site: 'a', reason: expect.stringContaining('cannot be used') }]);
    await one.ask(task);
    expect(await one.answers()).toMatchObject([{ kind: 'update', round: 1, ...place }]);
    await one.ask(await one.over());
    await one.done;
  });

  it('does not end the training that is under way', async () => {
    const one = siteOf();
    await one.ask(await one.round());
    while (one.trained.length === 0) await pause(1);
    for (let k = 0; k < 50; k++) await one.ask(await one.round({ round: 2 }), new SigningKey(memoryStore()));
    expect(await one.answers()).toMatchObject([{ kind: 'update', round: 1 }]);
    expect(one.trained).toEqual([1]);
    one.end.abort();
  });
});

describe('a task of before', () => {
  it('is not answered again, in this process or a later one', async () => {
    const store = memoryStore();
    const one = siteOf({ store });
    for (const round of [1, 2]) {
      await one.ask(await one.round({ round }));
      await one.answers(round);
    }
    await one.ask(await one.round({ round: 1 }));
    await one.ask(await one.round({ round: 2 }));
    await one.ask(await one.round({ round: 9, federation: 'e'.repeat(16) }));
    await one.ask(await one.round({ round: 3, session: '2'.repeat(32) }));
    await one.answers(3);
    await one.ask(await one.round({ round: 7 })); // of the session that was left
    await pause();
    expect(one.said.map((state) => (state.kind === 'update' ? state.round : state))).toEqual([1, 2, 3]);
    one.end.abort();

    const later = siteOf({ store, key: one.key });
    await later.ask(await later.round({ round: 1 }));
    expect(await later.answers()).toMatchObject([
      { kind: 'failed', round: 1, reason: expect.stringContaining('has trained round 3') },
    ]);
    expect(later.trained).toEqual([]);
    later.end.abort();
  });
});

describe('a site whose disk is full', () => {
  it('ends without an answer, and trains the round again when there is room', async () => {
    const store = memoryStore();
    const full = () =>
      writing('state.safetensors', () => {
        throw Object.assign(new Error(), { code: 'ENOSPC' });
      });
    const one = siteOf({
      store: { ...store, write: (name, ...chunks) => (name.endsWith('.pem') ? store.write(name, ...chunks) : full()) },
    });
    await one.ask(await one.round());
    await expect(one.done).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    expect(one.said).toEqual([]);

    const later = siteOf({ store, key: one.key });
    await later.ask(await later.round());
    expect(await later.answers()).toMatchObject([{ kind: 'update', round: 1 }]);
    later.end.abort();
  });
});

describe('a site whose folder was put back from a copy', () => {
  it('tells the coordinator that it lacks rounds, trains nothing, and ends', async () => {
    const store = memoryStore();
    const one = siteOf({ store });
    await one.ask(await one.round({ round: 1, taken: { a: 0 } }));
    await one.answers();
    one.end.abort();

    const restored = siteOf({ store, key: one.key });
    await restored.ask(await restored.round({ round: 4, taken: { a: 3 } }));
    await expect(restored.done).rejects.toMatchObject({ code: 'SITE_BEHIND' });
    const reason = expect.stringContaining('remembers rounds up to 1, but its update of round 3 was taken');
    expect(await restored.answers()).toMatchObject([{ kind: 'failed', round: 4, reason, behind: true }]);
    expect(restored.trained).toEqual([]);

    // Left out of a round, it ends before it says that it is there, and says so with its newer folder.
    const later = siteOf({ store, key: one.key });
    await later.ask(await later.round({ round: 5, chosen: {}, taken: { a: 3 } }));
    await expect(later.done).rejects.toMatchObject({ code: 'SITE_BEHIND' });
    expect(later.said).toEqual([]);
    const newer = siteOf({ store, key: one.key });
    await newer.ask(await newer.round({ round: 5, chosen: {}, taken: { a: 1 } }));
    expect(await newer.answers()).toMatchObject([{ kind: 'present' }]);
    newer.end.abort();
  });
});

describe('the end of the rounds', () => {
  it('is no news to a site that ended with it: it waits, and goes on with a later start of the coordinator', async () => {
    const first = siteOf();
    const over = await first.over();
    await first.ask(over);
    await first.done;
    const [ended] = first.events as Ended[];

    const again = siteOf({ key: first.key, over: ended });
    // Another message says it once more, of a coordinator that was started again.
    await again.ask({ ...over, session: '3'.repeat(32) });
    await pause();
    expect(again.events.at(-1)).toEqual({ kind: 'over', site: 'a', round: 1 });
    const session = '2'.repeat(32);
    await again.ask(await again.round({ session }));
    expect(await again.answers()).toMatchObject([{ kind: 'update', round: 1, session }]);
    await again.ask({ ...over, session });
    await again.done;
  });
});

describe('an end of before the last rounds, of a coordinator that lost them or said once more by the carrier', () => {
  it('ends the site with the reason, and is not taken for the result', async () => {
    const store = memoryStore();
    const one = siteOf({ store });
    const over = await one.over();
    for (const round of [1, 2]) {
      await one.ask(await one.round({ round }));
      await one.answers(round);
    }
    await one.ask({ ...over, session: '2'.repeat(32) });
    await expect(one.done).rejects.toMatchObject({ code: 'SITE_AHEAD', message: expect.stringContaining('round 2') });
    await expect(one.site.loadResult()).rejects.toMatchObject({ code: 'SITE_UNFINISHED' });

    const later = siteOf({ store, key: one.key });
    await later.ask(over);
    await expect(later.done).rejects.toMatchObject({ code: 'SITE_AHEAD' });
    const last = siteOf({ store, key: one.key });
    await last.ask({ ...over, round: 2 });
    await last.done;
  });

  it('is told from the last one also where the site trained in none of these rounds', async () => {
    const { federation } = place;
    const one = siteOf({ over: { federation, round: 4 } });
    await one.ask({ ...(await one.over()), round: 3 });
    await expect(one.done).rejects.toMatchObject({ code: 'SITE_AHEAD', message: expect.stringContaining('round 4') });
  });
});

describe('a site that agreed to a study', () => {
  const agreed = { plan: 'lora', aggregation: 'mean', wire: 'fp32', compression: 'none', mu: 0 } as const;
  it.each<[keyof Agreed, Partial<RoundTask>]>([
    ['plan', { plan: 'full' }],
    ['aggregation', { aggregation: 'fedsa' }],
    ['wire', { wire: 'bf16' }],
    ['compression', { compression: 'deflate' }],
    ['mu', { mu: 0.5 }],
  ])('trains no task of another %s, and takes no such result', async (setting, other) => {
    const one = siteOf({ agreed });
    await one.ask(await one.round(other));
    const reason = expect.stringContaining(
      `whose ${setting} is ${Object.values(other)[0]}, and ${agreed[setting]} was agreed to`,
    );
    expect(await one.answers()).toMatchObject([{ kind: 'failed', round: 1, reason }]);
    expect(one.trained).toEqual([]);
    await one.ask(await one.round({ round: 2 }));
    expect((await one.answers(2))[1]).toMatchObject({ kind: 'update', round: 2 });
    if (setting === 'mu') return one.end.abort(); // the end does not name it
    await one.ask({ ...(await one.over()), round: 2, ...other } as DoneTask);
    await one.done;
    await expect(one.site.loadResult()).rejects.toMatchObject({ code: 'TASK_OTHER' });
  });

  it('is not asked for a round after the last one', async () => {
    const one = siteOf();
    await one.ask(await one.round({ round: 500, rounds: 3 }));
    await expect(one.done).rejects.toMatchObject({
      ...{ code: 'MESSAGE_INVALID', message: expect.stringContaining('after the last one') },
    });
    expect(one.trained).toEqual([]);
  });
});

describe('what does not fit the site’s own network is not trained on', () => {
  const changed = (name: string, value?: Tensor) => (initial: State) => {
    const state = new Map(initial);
    if (value) state.set(name, value);
    else state.delete(name);
    return state;
  };
  const filled = (value: number) => {
    const bias = zeros([10]);
    bias.fill_(value);
    return bias;
  };
  it.each<[string, RegExp, (initial: State) => State]>([
    ['a tensor too many', /it has extra, which was not asked for/, changed('extra', zeros([3]))],
    ['a tensor too few', /it has no head\.bias/, changed(nameBias)],
    ['a shape that would be stretched', /head\.bias is \[1\] instead of \[10\]/, changed(nameBias, zeros([1]))],
    ['another shape', /is \[12, 3\] instead of \[3, 12\]/, changed(nameA, zeros([12, 3]))],
    ['no numbers', /no finite numbers/, changed(nameBias, filled(Number.NaN))],
    ['infinity', /no finite numbers/, changed(nameBias, filled(Number.POSITIVE_INFINITY))],
    ['more than there can be', /more than the \d+ that can be needed/, changed(nameBias, zeros([2 ** 20]))],
  ])('%s', async (_, reason, change) => {
    const one = siteOf();
    await one.ask(await one.round({ full: await one.put(change(one.initial)) }));
    expect(await one.answers()).toMatchObject([{ kind: 'failed', reason: expect.stringMatching(reason) }]);
    expect(one.trained).toEqual([]);
    one.end.abort();
  });

  it('another frozen network', async () => {
    const one = siteOf();
    await one.ask(await one.round({ base: 'another' }));
    expect(await one.answers()).toMatchObject([
      { kind: 'failed', reason: expect.stringContaining('the base model here') },
    ]);
    one.end.abort();
  });

  it('corrections of another layer, or too large', async () => {
    for (const [a, b] of [
      [
        [2, 12],
        [11, 2],
      ],
      [
        [2, 13],
        [10, 2],
      ],
      [
        [11, 12],
        [10, 11],
      ],
      [
        [2, 12],
        [10, 3],
      ],
    ]) {
      const one = siteOf();
      const factors = new Map([
        [nameA, zeros(a)],
        [nameB, zeros(b)],
      ]);
      const corrections = [{ round: 1, blob: await one.put(factors) }];
      await one.ask(await one.round({ round: 2, aggregation: 'fedex', corrections }));
      expect(await one.answers()).toMatchObject([
        { kind: 'failed', reason: expect.stringContaining('does not have their shape') },
      ]);
      one.end.abort();
    }
  });

  it('a few bytes that unpack to very many, whatever length the task names', async () => {
    const one = siteOf({ compression: 'deflate' });
    const bomb = deflateSync(new Uint8Array(2 ** 27), { level: 9 });
    const hash = await one.transport.putBlob(bomb);
    const before = process.memoryUsage().arrayBuffers;
    await one.ask(await one.round({ full: { hash, length: 2 ** 27 } }));
    expect(await one.answers()).toMatchObject([{ kind: 'failed', reason: expect.stringContaining('cannot be used') }]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 25);
    one.end.abort();
  });
});

describe('a coordinator of another version', () => {
  it('ends the site with the reason, where it has signed what the site does not know', async () => {
    const one = siteOf();
    await one.ask({ ...(await one.round()), surprise: 1 } as Task);
    await expect(one.done).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
  });
});
