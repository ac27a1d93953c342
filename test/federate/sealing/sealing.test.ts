/** Coordinator and sites over a carrier that may read, change, swap and keep whatever it carries. */
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sealedCoordinator, sealedSite } from '../../../src/federate/index.js';
import { errorOf } from '../../graft-error.js';
import { bytesOf, carrier, federation, heard, keyPair, parties, textOf } from './parties.js';

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const changed = Uint8Array.from(bytes);
  changed[at] ^= 1;
  return changed;
};
const codes = (refused: { error: { code: string } }[]) => refused.map(({ error }) => error.code);

/** A task with a blob, and a state with one, on a carrier. */
async function exchange() {
  const transport = carrier();
  const all = parties(transport);
  const [coordinator, a, b] = [all.coordinator(), all.site('a'), all.site('b')];
  const model = await coordinator.putBlob(bytesOf('the global state'), 1);
  await coordinator.publishTask(bytesOf('train'));
  const update = await a.putBlob(bytesOf('the update'), 1);
  await a.updateState('a', bytesOf('trained'));
  return { ...all, transport, a, b, model, update, sealed: coordinator };
}

/** Where the coordinator finds a blob of a site. */
const putBy = (site: string, round = 1) => ({ site, round });

describe('sealed', () => {
  it('tasks, states and blobs arrive as they were said', async () => {
    const { a, b, sealed, model, update, refused } = await exchange();
    for (const site of [a, b]) {
      expect((await heard((signal) => site.watchTasks(signal))).map(textOf)).toEqual(['train']);
      expect(textOf(await site.getBlob(model, 100))).toBe('the global state');
    }
    const said = await heard((signal) => sealed.presence(signal));
    expect(said.map(({ site, state }) => [site, textOf(state)])).toEqual([['a', 'trained']]);
    expect(textOf(await sealed.getBlob(update, 100, putBy('a')))).toBe('the update');
    expect(refused).toEqual([]);
  });

  it('any byte of a task, a key ring, a state or a blob that is changed is found', async () => {
    const { a, b, site, sealed, model, update, transport, refused } = await exchange();
    await heard((signal) => b.watchTasks(signal)); // it knows the epoch
    const task = (await heard((signal) => transport.watchTasks(signal)))[0];
    for (let at = 0; at < task.length; at++) {
      transport.alter.task = (bytes) => flipped(bytes, at);
      expect(await heard((signal) => b.watchTasks(signal)), `byte ${at} of a task`).toEqual([]);
    }
    delete transport.alter.task;
    const state = (await heard((signal) => transport.presence(signal)))[0].state;
    for (let at = 0; at < state.length; at++) {
      transport.alter.state = (bytes) => flipped(bytes, at);
      expect(await heard((signal) => sealed.presence(signal)), `byte ${at} of a state`).toEqual([]);
    }
    delete transport.alter.state;
    await heard((signal) => a.watchTasks(signal));
    await heard((signal) => sealed.presence(signal));
    for (const [reader, hash] of [
      [a, model],
      [sealed, update],
    ] as const)
      for (let at = 0; at < (await reader.getBlob(hash, 100, putBy('a'))).length + 16; at++) {
        transport.alter.blob = (bytes) => flipped(bytes, at);
        await expect(reader.getBlob(hash, 100, putBy('a'))).rejects.toMatchObject({ code: 'SEAL_BROKEN' });
        delete transport.alter.blob;
      }

    const entry = 88;
    const before = refused.length;
    for (let at = 0; at < 2 * entry; at++) {
      transport.alter.blob = (bytes) => flipped(bytes, at);
      await heard((signal) => site('b').watchTasks(signal));
    }
    expect(codes(refused.slice(before))).toEqual([
      ...Array(8).fill('EPOCH_UNKNOWN'), // the name of its key
      ...Array(entry - 8).fill('SEAL_BROKEN'),
    ]);
  });

  it('what is cut short, empty or made up is malformed', async () => {
    const { site, sealed, transport, refused } = await exchange();
    for (const junk of [new Uint8Array(0), bytesOf('{"kind":"open"}'), new Uint8Array(200), new Uint8Array(2 ** 17)]) {
      transport.alter.task = transport.alter.state = () => junk;
      expect(await heard((signal) => site('b').watchTasks(signal))).toEqual([]);
      expect(await heard((signal) => sealed.presence(signal))).toEqual([]);
    }
    expect(new Set(codes(refused))).toEqual(new Set(['SEAL_MALFORMED']));
    expect(refused.filter(({ by }) => by === 'coordinator')).toHaveLength(1); // told once, until something can be opened
  });
});

describe('what was sealed as one thing is not taken for another', () => {
  it('a state under another site’s name, or in another federation', async () => {
    const { transport, coordinator, refused, own, publicKeys } = await exchange();
    const { state } = (await heard((signal) => transport.presence(signal)))[0];
    await transport.updateState('b', state);
    const other = sealedCoordinator(transport, {
      ...{ federation: 'study-2', key: own.privateKey, sites: publicKeys() },
      refused: (error, by) => void refused.push({ by, error }),
    });
    expect((await heard((signal) => coordinator().presence(signal))).map(({ site }) => site)).toEqual(['a']);
    expect(await heard((signal) => other.presence(signal))).toEqual([]);
    expect(codes(refused)).toEqual(['SEAL_BROKEN', 'SEAL_BROKEN', 'SEAL_BROKEN']);
  });

  it('a task in another federation, and one of another coordinator', async () => {
    const { site, refused } = await exchange();
    for (const options of [{ federation: 'study-2' }, { coordinator: keyPair().publicKey }])
      expect(await heard((signal) => site('a', options).watchTasks(signal))).toEqual([]);
    expect(codes(refused)).toEqual(['SEAL_BROKEN', 'SEAL_BROKEN']);
  });

  it('a blob in place of another, though both are the sender’s', async () => {
    const { sealed, transport, a } = await exchange();
    const [first, second] = [bytesOf('first update'), bytesOf('other update')];
    const hashes = [await a.putBlob(first, 1), await a.putBlob(second, 1)];
    const swapped = transport.seen.at(-1)!;
    await a.updateState('a', bytesOf('trained'));
    await heard((signal) => sealed.presence(signal));
    expect(textOf(await sealed.getBlob(hashes[0], 100, putBy('a')))).toBe('first update');
    transport.alter.blob = () => swapped;
    await expect(sealed.getBlob(hashes[0], 100, putBy('a'))).rejects.toMatchObject({ code: 'SEAL_BROKEN' });
    expect(textOf(await sealed.getBlob(hashes[1], 100, putBy('a')))).toBe('other update');
  });

  it('a state that was sealed for a key that the coordinator no longer has', async () => {
    const { coordinator, refused } = await exchange();
    expect(await heard((signal) => coordinator({ key: keyPair().privateKey }).presence(signal))).toEqual([]);
    expect(codes(refused)).toEqual(['SEAL_MISADDRESSED']);
  });

  it('a state that somebody else made for the coordinator’s key in a site’s name', async () => {
    const { sealed, site, transport, refused } = await exchange();
    await sealedSite(transport, {
      ...{ federation, site: 'b', key: keyPair().privateKey, coordinator: parties(transport).own.publicKey },
    }).updateState('b', bytesOf('trained'));
    await site('b', { key: keyPair().privateKey }).updateState('b', bytesOf('trained'));
    expect((await heard((signal) => sealed.presence(signal))).map((one) => one.site)).toEqual(['a']);
    expect(codes(refused)).toEqual(['SEAL_BROKEN']);
  });
});

describe('an epoch', () => {
  it('ends for a site that is no longer admitted: it reads no later task and is not heard', async () => {
    const { sealed, a, b, publicKeys, refused } = await exchange();
    expect((await heard((signal) => b.watchTasks(signal))).map(textOf)).toEqual(['train']);
    await sealed.admit(publicKeys(['a']));
    expect(await heard((signal) => b.watchTasks(signal))).toEqual([]); // the same task, said again for the others
    const model = await sealed.putBlob(bytesOf('the next state'), 2);
    await sealed.publishTask(bytesOf('train again'));
    expect((await heard((signal) => a.watchTasks(signal))).map(textOf)).toEqual(['train again']);
    expect(textOf(await a.getBlob(model, 100))).toBe('the next state');
    expect(await heard((signal) => b.watchTasks(signal))).toEqual([]);
    await expect(b.getBlob(model, 100)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    await b.updateState('b', bytesOf('trained'));
    await heard((signal) => sealed.presence(signal));
    expect(refused.map(({ by, error }) => [by, error.code])).toEqual([
      ['b', 'EPOCH_UNKNOWN'],
      ['coordinator', 'SITE_UNADMITTED'],
    ]);
  });

  it('that a site joins later opens the blobs of before that its task names', async () => {
    const { sealed, site, publicKeys, keys } = await exchange();
    const correction = await sealed.putBlob(bytesOf('correction'));
    keys.set('late', keyPair());
    await sealed.admit(publicKeys(['a', 'b', 'late']));
    const late = site('late');
    expect((await heard((signal) => late.watchTasks(signal))).map(textOf)).toEqual(['train']);
    expect(textOf(await late.getBlob(correction, 100))).toBe('correction');
  });

  it('costs a site one key ring, however many tasks there are', async () => {
    const { sealed, a, transport } = await exchange();
    const end = new AbortController();
    const tasks = a.watchTasks(end.signal)[Symbol.asyncIterator]();
    await tasks.next();
    for (const task of ['two', 'three']) {
      await sealed.publishTask(bytesOf(task));
      expect(textOf((await tasks.next()).value)).toBe(task);
    }
    end.abort();
    expect(transport.fetched).toHaveLength(1);
  });

  it('goes on where the coordinator is started again', async () => {
    const { coordinator, a, transport } = await exchange();
    await heard((signal) => a.watchTasks(signal));
    await coordinator().publishTask(bytesOf('again'));
    expect((await heard((signal) => a.watchTasks(signal))).map(textOf)).toEqual(['again']);
    expect(transport.fetched).toHaveLength(1);
  });
});

describe('a blob', () => {
  it('is the same sealed bytes whenever its owner puts it, and others for everybody else', async () => {
    const transport = carrier();
    const { coordinator, site } = parties(transport);
    const bytes = new Uint8Array(randomBytes(3_000_000));
    for (const party of [coordinator(), coordinator(), site('a'), site('a'), site('b')])
      expect(await party.putBlob(bytes, 1)).toBe(hashOf(bytes));
    const addresses = transport.seen.map(hashOf);
    expect(addresses[1]).toBe(addresses[0]);
    expect(addresses[3]).toBe(addresses[2]);
    expect(new Set(addresses).size).toBe(3);
  });

  it('is not read where it is larger than it may be', async () => {
    const { a, model } = await exchange();
    await heard((signal) => a.watchTasks(signal));
    await expect(a.getBlob(model, 15)).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' });
    expect(textOf(await a.getBlob(model, 16))).toBe('the global state');
  });

  it('is found although its site, started again, has said something else since', async () => {
    const { sealed, site, update } = await exchange();
    await heard((signal) => sealed.presence(signal));
    await site('a').updateState('a', bytesOf('here again'));
    await heard((signal) => sealed.presence(signal));
    expect(textOf(await sealed.getBlob(update, 100, putBy('a')))).toBe('the update');
  });

  it('that another site has put too, where it was changed, is found where its own site has put it', async () => {
    const { sealed, a, b, transport } = await exchange();
    for (const site of [a, b]) await site.putBlob(bytesOf('the same'), 2);
    for (const [name, site] of Object.entries({ a, b })) await site.updateState(name, bytesOf('trained'));
    await heard((signal) => sealed.presence(signal));
    const hash = hashOf(bytesOf('the same'));
    transport.alter.blob = (bytes) => flipped(bytes, 0);
    await expect(sealed.getBlob(hash, 100, putBy('a', 2))).rejects.toMatchObject({ code: 'SEAL_BROKEN' });
    delete transport.alter.blob;
    expect(textOf(await sealed.getBlob(hash, 100, putBy('b', 2)))).toBe('the same');
  });
});

it('tells each side the head of the other’s journal', async () => {
  const transport = carrier();
  const { coordinator, site } = parties(transport);
  const [one, two] = ['1'.repeat(64), '2'.repeat(64)];
  const [sealed, a] = [coordinator({ head: () => one }), site('a', { head: () => two })];
  await sealed.publishTask(bytesOf('train'));
  await a.updateState('a', bytesOf('here'));
  await heard((signal) => a.watchTasks(signal));
  await heard((signal) => sealed.presence(signal));
  expect(a.coordinatorHead).toBe(one);
  expect([...sealed.heads]).toEqual([['a', two]]);
});

it('a public key that is none is named', () => {
  const { coordinator, site } = parties(carrier());
  const signing = 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=';
  expect(errorOf(() => coordinator({ sites: { a: signing } })).message).toContain('sealing key of a');
  expect(errorOf(() => site('a', { coordinator: 'none' })).code).toBe('SEALING_KEY_INVALID');
});
