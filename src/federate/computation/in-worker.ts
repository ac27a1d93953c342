/**
 * The coordinator's computation in a thread of its own: the event loop goes on meanwhile, and answers the network. The
 * thread begins with the first request and ends when the computation is interrupted or disposed.
 */
import { AskedThread } from '../../core/index.js';
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
import { type Request, type Start, unpack, type Values } from './message.js';

/** Megabytes of JavaScript's short-lived objects before they are collected: the thread's work is in libtorch's memory. */
const YOUNG = 3;

/**
 * Judges and combines updates in a thread of its own, for a coordinator whose event loop must answer a network meanwhile:
 * `new Coordinator({ …, computation: inWorker })`. The results have the same bits as without it.
 */
export const inWorker = (setup: Setup): Computation => new InWorker(setup);

class InWorker implements Computation {
  readonly #thread: AskedThread<Request, Values>;
  /** An update on its way to the thread, in memory that both have: what is sent as a message is copied twice. */
  #shared = new Uint8Array(new SharedArrayBuffer(0));
  /** What was handed out last. */
  #tensors: State = new Map();

  constructor(setup: Setup) {
    const workerData: Start = { setup, threads: threads() };
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG };
    this.#thread = new AskedThread(new URL('./worker.js', import.meta.url), { workerData, resourceLimits });
  }

  judge(value: ReceivedUpdate): Promise<number> {
    const { length } = value.bytes;
    if (this.#shared.length < length) this.#shared = new Uint8Array(new SharedArrayBuffer(length));
    this.#shared.set(value.bytes);
    return this.#thread.ask({ kind: 'judge', value: { ...value, bytes: this.#shared.subarray(0, length) } });
  }

  async aggregate(value: ClosedRound): Promise<AggregatedState> {
    const { corrections, ...made } = await this.#thread.ask({ kind: 'aggregate', value });
    return { ...made, corrections: correctionsOf(unpack(corrections)) };
  }

  async tensors(value: StateRecord): Promise<State> {
    const packed = await this.#thread.ask({ kind: 'tensors', value });
    disposeState(this.#tensors);
    this.#tensors = unpack(packed);
    return this.#tensors;
  }

  interrupt(): void {
    this.#thread.interrupt(new Interrupted());
  }

  [Symbol.dispose](): void {
    this.interrupt();
    disposeState(this.#tensors);
    this.#tensors = new Map();
  }
}
