/** What a coordinator and its sites rely on of every transport: one suite, which each of them passes. */
import { createHash, randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { afterAll, expect, it } from 'vitest';
import type { Transport } from '../../src/federate/index.js';

/** A transport as the coordinator and the sites have it, which may be one object or several. */
export interface Stage {
  coordinator: Transport;
  site(name: string): Promise<Transport>;
}

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The next values of a source, one after another. */
async function next<T>(source: AsyncIterator<T>, count = 1): Promise<T[]> {
  const values: T[] = [];
  for (let i = 0; i < count; i++) values.push((await source.next()).value as T);
  return values;
}
const iterator = <T>(source: AsyncIterable<T>) => source[Symbol.asyncIterator]();
const said = ({ site, state }: { site: string; state: Uint8Array }) => `${site}: ${textOf(state)}`;

/** @param begin a new transport, on which nothing was said */
export function transportSuite(begin: () => Promise<Stage>): void {
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  afterAll(() => end.abort());
  const tasksOf = (transport: Transport) => iterator(transport.watchTasks(end.signal));
  const statesOf = (transport: Transport) => iterator(transport.presence(end.signal));

  it('gives a task to those who wait for it and to those who come later, who hear the last one alone', async () => {
    const { coordinator, site } = await begin();
    const heard = tasksOf(await site('a'));
    await coordinator.publishTask(bytesOf('one'));
    expect((await next(heard)).map(textOf)).toEqual(['one']);
    await coordinator.publishTask(bytesOf('two'));
    await coordinator.publishTask(bytesOf('three'));
    expect((await next(heard, 2)).map(textOf)).toEqual(['two', 'three']);
    expect((await next(tasksOf(await site('late')))).map(textOf)).toEqual(['three']);
  });

  it('tells a task that is published again as a new one', async () => {
    const { coordinator, site } = await begin();
    const heard = tasksOf(await site('a'));
    await coordinator.publishTask(bytesOf('same'));
    await next(heard);
    await coordinator.publishTask(bytesOf('same'));
    expect((await next(heard)).map(textOf)).toEqual(['same']);
  });

  it('tells the coordinator what each site said last, and what it says from then on', async () => {
    const { coordinator, site } = await begin();
    const [a, b] = [await site('a'), await site('Zürich 2 (Süd)')];
    await a.updateState('a', bytesOf('here'));
    await a.updateState('a', bytesOf('trained'));
    await b.updateState('Zürich 2 (Süd)', bytesOf('here'));
    const heard = statesOf(coordinator);
    expect((await next(heard, 2)).map(said).sort()).toEqual(['Zürich 2 (Süd): here', 'a: trained']);
    await b.updateState('Zürich 2 (Süd)', bytesOf('failed'));
    expect((await next(heard)).map(said)).toEqual(['Zürich 2 (Süd): failed']);
  });

  it('ends what listens with the signal', async () => {
    const { coordinator, site } = await begin();
    const [stop, a] = [new AbortController(), await site('a')];
    const listening = [coordinator.presence(stop.signal), a.watchTasks(stop.signal)].map(async (source) => {
      for await (const _ of source);
    });
    stop.abort();
    await Promise.all(listening);
    for await (const _ of a.watchTasks(AbortSignal.abort()));
  });

  it.each([0, 1, 1000, 768 * 1024, 2_500_000])('carries a blob of %d bytes both ways, by its SHA-256', async (size) => {
    const { coordinator, site } = await begin();
    const a = await site('a');
    const bytes = new Uint8Array(randomBytes(size));
    const put = async (transport: Transport) => {
      for (let i = 0; i < 2; i++) expect(await transport.putBlob(bytes, 1)).toBe(hashOf(bytes));
    };
    // Who has heard what was said after a blob was put can get it.
    await put(coordinator);
    await coordinator.publishTask(bytesOf('train'));
    await next(tasksOf(a));
    expect(hashOf(await a.getBlob(hashOf(bytes), 2 ** 30))).toBe(hashOf(bytes));
    await put(a);
    await a.updateState('a', bytesOf('trained'));
    await next(statesOf(coordinator));
    expect(hashOf(await coordinator.getBlob(hashOf(bytes), 2 ** 30, { site: 'a', round: 1 }))).toBe(hashOf(bytes));
  });

  it('keeps a blob of no round, while those of earlier rounds may be gone', async () => {
    const { coordinator, site } = await begin();
    const a = await site('a');
    const stays = await coordinator.putBlob(bytesOf('correction'));
    await coordinator.putBlob(bytesOf('first'), 1);
    const both = await coordinator.putBlob(bytesOf('both'), 1);
    await coordinator.putBlob(bytesOf('both'), 2);
    const second = await coordinator.putBlob(bytesOf('second'), 2);
    await coordinator.publishTask(bytesOf('round 2'));
    await next(tasksOf(a));
    expect((await Promise.all([stays, both, second].map((hash) => a.getBlob(hash, 2 ** 30)))).map(textOf)).toEqual([
      'correction',
      'both',
      'second',
    ]);
  });

  it.each(['f'.repeat(64), 'no hash', '*', '>', ''])('does not have a blob %j', async (hash) => {
    const { coordinator, site } = await begin();
    const a = await site('a');
    for (const transport of [coordinator, a])
      await expect(transport.getBlob(hash, 2 ** 30, { site: 'a', round: 1 })).rejects.toMatchObject({
        code: 'BLOB_MISSING',
      });
  });
}
