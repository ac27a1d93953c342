/** Time, as the coordinator asks for it; a test has one that it moves by hand. */
import { wait } from '../core/index.js';

export interface Clock {
  now(): Date;
  /** Seconds since some moment, which go on evenly when the time of day is set. */
  passed(): number;
  /** Resolves when the seconds have passed; rejects or stays pending when the signal is aborted first. */
  after(seconds: number, signal: AbortSignal): Promise<unknown>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  passed: () => performance.now() / 1000,
  after: (seconds, signal) => wait(seconds * 1000, signal),
};
