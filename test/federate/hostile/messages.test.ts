/** Strangers and hostile sites write to the coordinator: nothing of it is taken, and little of it is kept. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderStore, localTransport, memoryStore, readLedger, SigningKey } from '../../../src/federate/index.js';
import { good, Hand, stage } from '../hand.js';
import { configOf, HandClock, newFolder, of } from '../small.js';

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('names of blobs', () => {
  it.each([
    ['a way out of the folder', '../../../etc/passwd'],
    ['a device', '/dev/zero'],
    ['letters without end', 'a'.repeat(5000)],
    ['capitals', 'A'.repeat(64)],
  ])('that are no hashes lead nowhere: %s', async (_, hash) => {
    const blobs = folderStore(newFolder(), { durable: false });
    const transport = localTransport({ blobs });
    await expect(transport.getBlob(hash, 100)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    const clock = new HandClock();
    const one = stage(configOf({ rounds: 1, deadline: 60 }), { transport, clock });
    const hand = new Hand(transport, one.base);
    await hand.register();
    await hand.update(await hand.task(1), good(), { message: { blob: { hash, length: 10 } } });
    while (of(one.events, 'accepted').length < 2) await pause();
    clock.advance(60);
    await one.done;
    expect(of(one.events, 'dropped')).toMatchObject([{ site: 'hand', reason: expect.stringContaining('hexadecimal') }]);
  });

  it('that stand for something else than a file, or for too much, are not read', async () => {
    const folder = newFolder();
    const transport = localTransport({ blobs: folderStore(folder, { durable: false }) });
    execFileSync('mkfifo', [join(folder, 'f'.repeat(64))]);
    await expect(transport.getBlob('f'.repeat(64), 100)).rejects.toThrow('a named pipe');
    const hash = await transport.putBlob(new Uint8Array(101));
    await expect(transport.getBlob(hash, 100)).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' });
    expect((await transport.getBlob(hash, 101)).length).toBe(101);
  });

  it('of updates that are larger than the plan’s tensors are refused unread', async () => {
    const one = stage(configOf({ rounds: 1 }));
    const hand = new Hand(one.transport, one.base);
    await hand.register();
    await hand.update(await hand.task(1), good(), { bytes: new Uint8Array(2 ** 21) });
    await one.done;
    expect(of(one.events, 'refused')).toMatchObject([{ reason: expect.stringContaining('more than the') }]);
  });
});

describe('what a site says of itself', () => {
  it.each([
    ['slices beyond measure', { slices: 1e308 }],
    ['a fraction of a case', { cases: 0.5 }],
    ['less than nothing', { slices: -1 }],
    ['an endless fingerprint', { base: 'f'.repeat(5000) }],
  ])('is bounded: %s', async (_, values) => {
    const clock = new HandClock();
    const one = stage(configOf({ rounds: 1, deadline: 60 }), { clock });
    await new Hand(one.transport, one.base).register(values as object);
    await one.seen('dropped');
    while (of(one.events, 'registered').length < 2) await pause();
    clock.advance(60);
    await one.done;
    expect(Object.keys(of(one.events, 'aggregated')[0].weights)).toEqual(['a', 'b']);
  });

  it('gives it no more than ten times the median of a round', async () => {
    const one = stage(configOf({ rounds: 1 }));
    const hand = new Hand(one.transport, one.base);
    await hand.register({ slices: 1e9 });
    await hand.update(await hand.task(1), new Map(one.initial));
    await one.done;
    const { a, b, hand: share } = of(one.events, 'aggregated')[0].weights; // of 40, 80 and at most 800
    expect([a, b, share]).toEqual([40 / 920, 80 / 920, 800 / 920]);
  });

  it('does not fill the ledger, whatever its metrics and reasons are', async () => {
    const one = stage(configOf({ rounds: 1 }));
    const hand = new Hand(one.transport, one.base);
    await hand.register();
    const task = await hand.task(1);
    const said = { site: 'hand', round: 1, down: 0 } as const;
    const blob = { hash: 'f'.repeat(64), length: 1 };
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, k) => [`metric ${k}`, k]));
    for (const metrics of [many, { ['m'.repeat(1e6)]: 1 }, JSON.parse('{"__proto__": 1, "constructor": 2}')])
      await hand.say({ kind: 'update', ...said, blob, metrics });
    await hand.say({ kind: 'failed', ...said, reason: 'r'.repeat(1e6) });
    await hand.say({ kind: 'failed', ...said, reason: 'r'.repeat(1001) });
    await hand.update(task, good());
    await one.done;
    expect(Object.keys(of(one.events, 'aggregated')[0].weights)).toContain('hand');
    expect(JSON.stringify(one.ledger()).length).toBeLessThan(6000);
  });

  it('cannot write over the terminal', async () => {
    const one = stage(configOf({ rounds: 1 }));
    const hand = new Hand(one.transport, one.base);
    await hand.register();
    await hand.task(1);
    await hand.say({ kind: 'failed', site: 'hand', round: 1, down: 0, reason: 'no\u001b[2J\nsuch file' });
    await one.done;
    expect(of(one.events, 'failed')[0].reason).toBe('no [2J such file');
  });
});

describe('without the site’s key', () => {
  const keys = Object.fromEntries(['a', 'b', 'hand'].map((name) => [name, new SigningKey(memoryStore())]));
  const sites = Object.fromEntries(Object.entries(keys).map(([name, { publicKey }]) => [name, publicKey]));

  it('nobody is a site whose key is known: the round has the real one, who comes last', async () => {
    const one = stage(configOf({ rounds: 1 }), { sites }, []);
    const hands = Object.entries(keys).map(([name, key]) => new Hand(one.transport, one.base, name, key));
    for (const { name } of hands) await new Hand(one.transport, one.base, name).register();
    for (let k = 0; k < 100; k++) await one.transport.updateState('a', Buffer.from('junk'));
    for (const hand of hands) await hand.register();
    for (const hand of hands) await hand.update(await hand.task(1), new Map(one.initial));
    await one.done;
    expect(Object.keys(of(one.events, 'aggregated')[0].weights)).toEqual(['a', 'b', 'hand']);
    expect(of(one.events, 'dropped').length).toBe(3);
    expect(one.ledger().find(({ kind }) => kind === 'noise')).toMatchObject({ dropped: { a: 101, b: 1, hand: 1 } });
  });

  it('junk under the name of a site is not its answer, also where names alone are known', async () => {
    const one = stage(configOf({ rounds: 1 }));
    for (let k = 0; k < 500; k++) await one.transport.updateState('hand', Buffer.from(`junk ${k}`));
    await pause();
    expect(of(one.events, 'round')).toEqual([]);
    const hand = new Hand(one.transport, one.base);
    await hand.register();
    await hand.update(await hand.task(1), good());
    await one.done;
    expect(one.ledger().filter((entry) => 'reason' in entry).length).toBe(1);
  });

  it('unknown names, however many, leave a number', async () => {
    const one = stage(configOf({ rounds: 1 }));
    const hand = new Hand(one.transport, one.base);
    for (let k = 0; k < 500; k++) await one.transport.updateState(`stranger ${k}`, Buffer.from('junk'));
    await hand.register();
    await hand.update(await hand.task(1), good());
    await one.done;
    expect(one.ledger().filter(({ kind }) => kind === 'noise')).toMatchObject([{ strangers: 500 }]);
    expect(one.ledger().length).toBeLessThan(12);
  });

  it('a key that the folder knows is not replaced, by a message or by a setting', async () => {
    const folder = newFolder();
    const config = configOf({ rounds: 1 });
    const one = stage(config, { folder, sites: { hand: sites.hand } }, []);
    const hand = new Hand(one.transport, one.base, 'hand', keys.hand);
    await hand.register({ key: keys.a.publicKey }); // whatever it says, it signs with its own
    await hand.update(await hand.task(1), new Map(one.initial));
    await one.done;
    expect(readLedger(join(folder, 'ledger.jsonl'))).toContainEqual(
      expect.objectContaining({ kind: 'registered', key: sites.hand }),
    );
    expect(() => stage(config, { folder, sites: { hand: sites.a } }, [])).toThrow(
      expect.objectContaining({ code: 'KEY_OTHER' }),
    );
    expect(() => stage(config, { sites: { hand: 'none' } }, [])).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID' }),
    );
  });
});

describe('what was said before', () => {
  it('counts in no other federation and in no later session', async () => {
    const key = new SigningKey(memoryStore());
    const config = configOf({ rounds: 2 });
    const first = stage(config, { sites: ['hand'] }, []);
    const old = new Hand(first.transport, first.base, 'hand', key);
    await old.register({ slices: 1e6 });
    const registration = await old.say({ kind: 'failed', site: 'hand', round: 1, reason: 'none', down: 0 });
    await expect(first.done).rejects.toMatchObject({ code: 'TOO_FEW_SITES' });

    const second = stage(config, { folder: first.folder, sites: ['hand'] }, []);
    const other = stage(config, { sites: ['hand'] }, []);
    for (const { transport, done, events, base, initial, ledger } of [second, other]) {
      await transport.updateState('hand', registration);
      const hand = new Hand(transport, base, 'hand', key);
      await hand.register();
      for (const round of [1, 2]) await hand.update(await hand.task(round), new Map(initial));
      await done;
      expect(of(events, 'failed')).toEqual([]);
      const reasons = of(events, 'dropped').map(({ reason }) => reason);
      // What is said again to a later start is no news; nobody else may say it to another federation.
      if (transport === second.transport) expect(reasons).toEqual([]);
      else expect(reasons[0]).toMatch(/did not register|another federation/);
      expect(ledger().at(-1)!.kind).toBe('aggregated');
    }
  });

  it('of its size stands for the session: an earlier registration cannot come after a later one', async () => {
    const one = stage(configOf({ rounds: 1 }));
    const hand = new Hand(one.transport, one.base);
    await hand.register({ slices: 50 });
    await one.seen('round');
    await hand.register({ slices: 800 });
    await hand.update(await hand.task(1), good());
    await one.done;
    expect(of(one.events, 'aggregated')[0].weights.hand).toBe(50 / 170);
  });

  it('is not heard more often than it can be judged', async () => {
    const one = stage(configOf({ rounds: 1 }));
    const hand = new Hand(one.transport, one.base);
    await hand.register();
    const task = await hand.task(1);
    await Promise.all(
      Array.from({ length: 200 }, (_, k) =>
        hand.say({ kind: 'failed', site: 'hand', round: 2 + k, reason: 'none', down: 0 }),
      ),
    );
    await pause();
    await hand.update(task, good());
    await one.done;
    expect(one.ledger().filter(({ kind }) => kind === 'rejected').length).toBe(1);
    expect(one.ledger().length).toBeLessThan(16);
  });
});
