/**
 * A site's pulse: every few seconds it says that it lives, what it does, and how many bytes have moved. A thread of its own
 * with a connection of its own says so, since training blocks the main one for as long as a step takes. What is decided by
 * it is how long the coordinator waits, what people are shown, and that a site is not run twice: each process hears the pulses
 * under its own name, and of two that hear each other the one that has said fewer ends.
 */
import type { KeyObject } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { keyFault } from '../../../core/index.js';
import { openEnvelope, parseJson } from '../../signing.js';
import type { ConnectionOptions } from './peer.js';

/** What a site can be doing, in the order of the numbers that the thread is given. */
export const doings = ['starting', 'waiting', 'training', 'sending', 'done'] as const;
export type Doing = (typeof doings)[number];

const instance = z.string().regex(/^[0-9a-f]{16}$/);

export const pulseSchema = z.strictObject({
  site: z.string().refine((text) => keyFault(text) === undefined),
  /** Milliseconds since 1970 at the site: each pulse has a greater one than that before. */
  at: z.int().min(0),
  doing: z.enum(doings),
  /** Of training; 0 where there is none. */
  round: z.int().min(0),
  /** Bytes to and from the broker since the site's program began. */
  moved: z.int().min(0),
  /** Drawn by the process that says it. */
  instance,
  /** How many pulses it has said. */
  beat: z.int().min(1),
  /** The other process that it heard last under the same name: that one knows then that this one lives now. */
  heard: instance.optional(),
});
export type Pulse = z.output<typeof pulseSchema>;

const limit = 2 ** 10;

/** @param key the site's public key @throws GraftError MESSAGE_INVALID */
export function pulseOf(bytes: Uint8Array, { site, key }: { site: string; key: string }): Pulse | undefined {
  const letter = openEnvelope(bytes, { speaker: 'pulse', limit, from: site });
  if (!letter.signedBy(key)) return undefined;
  const pulse = parseJson(pulseSchema, letter.body, site);
  return pulse.site === site ? pulse : undefined;
}

/** What the two threads share, as 64-bit numbers. */
export const shared = { moved: 0, doing: 1, round: 2, length: 3 };

export interface PulseStart {
  connection: ConnectionOptions & { site: string };
  /** The site's private key, Ed25519. */
  key: KeyObject;
  buffer: SharedArrayBuffer;
  /** Between two pulses, in ms. */
  every: number;
}

/** Between two pulses, in ms. */
const EVERY = 2000;

/** A thread that says, until it is stopped, what it is told here. */
export class PulseSender implements AsyncDisposable {
  readonly #values: BigInt64Array;
  readonly #worker: Worker;

  /** @param twice is told that another process runs this site, and which of the two has to end */
  constructor(
    connection: ConnectionOptions & { site: string },
    key: KeyObject,
    { every = EVERY, twice = () => {} }: { every?: number; twice?: (ends: 'this' | 'other') => void } = {},
  ) {
    const buffer = new SharedArrayBuffer(shared.length * BigInt64Array.BYTES_PER_ELEMENT);
    this.#values = new BigInt64Array(buffer);
    const workerData: PulseStart = { connection, key, buffer, every };
    this.#worker = new Worker(new URL('./pulse-thread.js', import.meta.url), { execArgv: [], workerData });
    this.#worker.unref();
    this.#worker.on('error', () => {}); // a site without a pulse still takes part
    this.#worker.on('message', twice);
  }

  /** Notes that bytes have moved. */
  moved(bytes: number): void {
    Atomics.add(this.#values, shared.moved, BigInt(bytes));
  }

  /** Says at once, and from now on, that the site does this. */
  tell(doing: Doing, round = 0): void {
    Atomics.store(this.#values, shared.doing, BigInt(doings.indexOf(doing)));
    Atomics.store(this.#values, shared.round, BigInt(round));
    this.#worker.postMessage('now');
  }

  /** Says the last once more, and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.ref();
    this.#worker.postMessage('end');
    await ended;
  }
}
