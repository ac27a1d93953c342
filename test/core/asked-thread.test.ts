/** A thread that is asked: what it computes, and each way in which it does not. */
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { AskedThread, GraftError } from '../../src/core/index.js';

const core = pathToFileURL('dist/core/index.js').href;
const module = `
  import { once } from 'node:events';
  import { workerData } from 'node:worker_threads';
  import { answerRequests, GraftError } from '${core}';
  let asked = 0;
  answerRequests(async ({ kind, value }, signal) => {
    asked++;
    switch (kind) {
      case 'count': return asked + workerData;
      case 'mistake': throw new GraftError('CODE', 'message', 'hint', 3);
      case 'defect': throw new RangeError('a defect');
      case 'end': process.exit(7);
      case 'wait':
        if (!signal.aborted) await once(signal, 'abort');
        return 'cancelled';
      case 'move': return new Uint8Array(value);
    }
  }, (value) => (value instanceof Uint8Array ? [value.buffer] : []));
`;
type Kind = 'count' | 'mistake' | 'defect' | 'end' | 'wait' | 'move';
type Request = { kind: Kind; value?: number };
let thread: AskedThread<Request, Record<Kind, unknown>>;
const ask = (kind: Kind, value?: number) => thread.ask({ kind, value } as never);
const begin = () => {
  thread = new AskedThread(new URL(`data:text/javascript,${encodeURIComponent(module)}`), { workerData: 100 });
};
afterEach(() => thread[Symbol.dispose]());

it('answers one request after another, and hands memory over', async () => {
  begin();
  expect(await ask('count')).toBe(101);
  expect(await ask('count')).toBe(102);
  expect(await ask('move', 5)).toEqual(new Uint8Array(5));
});

it('fails as its work does, and goes on', async () => {
  begin();
  const mistake = await ask('mistake').catch((error: unknown) => error);
  expect(mistake).toBeInstanceOf(GraftError);
  expect(mistake).toMatchObject({ code: 'CODE', message: 'message', hint: 'hint', exitCode: 3 });
  await expect(ask('defect')).rejects.toThrow(RangeError);
  expect(await ask('count')).toBe(103);
});

it('is begun anew after it ended by itself or was interrupted', async () => {
  begin();
  expect(await ask('count')).toBe(101);
  await expect(ask('end')).rejects.toThrow('ended with 7');
  expect(await ask('count')).toBe(101);
  const waiting = ask('wait');
  thread.interrupt(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(await ask('count')).toBe(101);
});

it('hears that a request is cancelled, and only that one', async () => {
  begin();
  const waiting = ask('wait');
  await setTimeout(10);
  thread.cancel();
  expect(await waiting).toBe('cancelled');
  const next = ask('wait');
  expect(await Promise.race([next, setTimeout(50, 'still waits')])).toBe('still waits');
  thread.cancel();
  expect(await next).toBe('cancelled');
});

it('is not begun again once it is closed', async () => {
  begin();
  const waiting = ask('wait');
  thread[Symbol.dispose]();
  await expect(waiting).rejects.toThrow('closed');
  await expect(ask('count')).rejects.toThrow('closed');
});
