/**
 * Long work that can be interrupted. Computing blocks its thread, and a thread that is blocked hears no signal; so long
 * work is a generator that yields a pause between its pieces and returns its result.
 *
 * The code that runs it decides what a pause is good for: a command lets the event loop hear Ctrl-C and ends the work by the
 * generator's `return`, whose `finally` blocks leave everything in order; `runWithoutPauses` just goes on. A pause never lies
 * within `scope` or `noGrad`: what runs meanwhile would be in them, too.
 */
import { setImmediate } from 'node:timers/promises';
import { runToEnd } from './events.js';

export const pause = { kind: 'pause' } as const;
export type Pause = typeof pause;

/**
 * Work that pauses between its pieces and gives its result at the end. `runWithPauses` and `runWithoutPauses` carry it out; in
 * another generator `yield*` does.
 */
export type Pausing<Result> = Generator<Pause, Result>;

/** Carries work out in one go, which blocks the thread until it is done. */
export function runWithoutPauses<Result>(work: Generator<unknown, Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Items of an array between two pauses: some ten milliseconds of simple work. */
const piece = 2 ** 22;

/** Goes over the indices below `count` in pieces, with a pause between them. */
export function* inPieces(count: number, work: (from: number, to: number) => void): Pausing<void> {
  for (let from = 0; from < count; from += piece) {
    if (from > 0) yield pause;
    work(from, Math.min(count, from + piece));
  }
}

/**
 * Carries work out; the event loop has its turn at every pause.
 *
 * @param signal ends the work at the next pause
 * @throws the signal's reason once it is aborted
 */
export const runWithPauses = <Result>(
  work: Pausing<Result> | AsyncGenerator<Pause, Result>,
  signal?: AbortSignal,
): Promise<Result> =>
  runToEnd(work, async () => {
    await setImmediate();
    signal?.throwIfAborted();
  });
