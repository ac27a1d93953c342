/** Time, as the coordinator asks for it; a test has one that it moves by hand. */
import { setTimeout } from 'node:timers/promises';

export interface Clock {
  now(): Date;
  /** Resolves when the seconds have passed; rejects or stays pending when the signal is aborted first. */
  after(seconds: number, signal: AbortSignal): Promise<unknown>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  after: (seconds, signal) => setTimeout(seconds * 1000, undefined, { signal }),
};
