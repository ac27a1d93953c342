/**
 * The coordinator's computation in a thread of its own: the event loop goes on meanwhile, and answers the network. The
 * thread begins with the first request and ends when the computation is interrupted or disposed.
 */
import { Worker } from 'node:worker_threads';
import { GraftError } from '../../core/index.js';
import { disposeState, type State } from '../../nn/index.js';
import { threads } from '../../torch/index.js';
import { correctionsOf } from '../corrections.js';
import type { StateRecord } from '../entries.js';
import {
  type AggregatedState,
  type ClosedRound,
  type Computation,
  Interrupted,
  type ReceivedUpdate,
  type Setup,
} from './computation.js';
import { type Answer, type Request, type Start, unpack, type Values } from './message.js';

/** Megabytes of JavaScript's short-lived objects before they are collected: the thread's work is in libtorch's memory. */
const YOUNG = 3;

/**
 * Judges and combines updates in a thread of its own, for a coordinator whose event loop must answer a network meanwhile:
 * `new Coordinator({ …, computation: inWorker })`. The results have the same bits as without it.
 */
export const inWorker = (setup: Setup): Computation => new InWorker(setup);

class InWorker implements Computation {
  readonly #setup: Setup;
  #worker: Worker | undefined;
  /** Ends the wait for the request under way. */
  #fail: ((error: unknown) => void) | undefined;
  /** An update on its way to the thread, in memory that both have: what is sent as a message is copied twice. */
  #shared = new Uint8Array(new SharedArrayBuffer(0));
  /** What was handed out last. */
  #tensors: State = new Map();

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  judge(value: ReceivedUpdate): Promise<number> {
    const { length } = value.bytes;
    if (this.#shared.length < length) this.#shared = new Uint8Array(new SharedArrayBuffer(length));
    this.#shared.set(value.bytes);
    return this.#ask({ kind: 'judge', value: { ...value, bytes: this.#shared.subarray(0, length) } });
  }

  async aggregate(value: ClosedRound): Promise<AggregatedState> {
    const { corrections, ...made } = await this.#ask({ kind: 'aggregate', value });
    return { ...made, corrections: correctionsOf(unpack(corrections)) };
  }

  async tensors(value: StateRecord): Promise<State> {
    const packed = await this.#ask({ kind: 'tensors', value });
    disposeState(this.#tensors);
    this.#tensors = unpack(packed);
    return this.#tensors;
  }

  interrupt(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#fail?.(new Interrupted());
    void worker?.terminate();
  }

  [Symbol.dispose](): void {
    this.interrupt();
    disposeState(this.#tensors);
    this.#tensors = new Map();
  }

  /** One request at a time. @throws GraftError as the computation does; Interrupted */
  async #ask<Kind extends keyof Values>(request: Request & { kind: Kind }): Promise<Values[Kind]> {
    this.#worker ??= this.#begin();
    const worker = this.#worker;
    const waiting = new Promise<Answer>((resolve, reject) => {
      this.#fail = reject;
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    worker.ref();
    try {
      worker.postMessage(request);
      const answer = await waiting;
      if ('mistake' in answer) throw new GraftError(...answer.mistake);
      if ('defect' in answer) throw answer.defect;
      return answer.value as Values[Kind];
    } finally {
      this.#fail = undefined;
      worker.removeAllListeners('message').removeAllListeners('error').unref();
    }
  }

  #begin(): Worker {
    const workerData: Start = { setup: this.#setup, threads: threads() };
    // The flags of the main program, such as those of a module given as text, are none of a thread's.
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG };
    const worker = new Worker(new URL('./worker.js', import.meta.url), { execArgv: [], workerData, resourceLimits });
    worker.once('exit', (code) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#fail?.(new Error(`the thread of the computation ended with ${code}`));
    });
    return worker;
  }
}
