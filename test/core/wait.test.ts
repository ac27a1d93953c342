import { expect, it } from 'vitest';
import { wait } from '../../src/core/index.js';
import { systemClock } from '../../src/federate/index.js';
import { Backlog } from '../../src/receiver/backlog.js';

const soon = () => new Promise((resolve) => setTimeout(() => resolve('soon'), 30));

it.each([
  ['wait', (signal: AbortSignal) => wait(30 * 86_400_000, signal)],
  ['a deadline', (signal: AbortSignal) => systemClock.after(30 * 86_400, signal)],
  [
    'a study that is put off',
    async (signal: AbortSignal) => {
      using backlog = new Backlog();
      backlog.later('study', 30 * 86_400_000);
      if ((await backlog.next(signal)) === undefined) throw new Error('aborted');
    },
  ],
])('%s of more days than a timer holds is not over at once', async (_, begin) => {
  const end = new AbortController();
  const begun = begin(end.signal).then(
    () => 'over',
    () => 'ended',
  );
  expect(await Promise.race([begun, soon()])).toBe('soon');
  end.abort();
  expect(await begun).toBe('ended');
});

it('a time passes', async () => {
  const begun = performance.now();
  await wait(20);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(20);
});
