/** Waiting for any length of time. */
import { setTimeout } from 'node:timers/promises';

/** Longest time that a timer is given at once, in ms: one of 2³¹ or more would ring after the first millisecond. */
const longest = 2 ** 30;

/**
 * Resolves when the time has passed, by a clock that nobody sets; rejects when the signal is aborted first.
 *
 * @param milliseconds of any number
 */
export async function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + milliseconds;
  for (let left = milliseconds; left > 0; left = end - performance.now())
    await setTimeout(Math.min(left, longest), undefined, { signal });
}
