/**
 * The model in a thread of its own, so that the event loop answers viewers while it computes. One request at a time: the
 * others wait in their order, a few at most. Work that nobody waits for gives way to them.
 */
import { Worker } from 'node:worker_threads';
import { GraftError } from '../core/index.js';
import { threads } from '../torch/index.js';
import { serverError } from './errors.js';
import type { Answer, Request, Served, Start, Values } from './message.js';

/** Requests under way and waiting. */
const most = 8;

export class ModelThread implements Disposable {
  readonly #served: Served;
  #worker: Worker | undefined;
  /** Of the requests under way and waiting. */
  readonly #waiting = new Set<AbortSignal>();
  /** Resolved when the last of those that wait is done. */
  #last: Promise<unknown> = Promise.resolve();
  /** Ends the work that nobody waits for. */
  #spare: AbortController | undefined;
  /** Ends the wait for the request under way. */
  #fail: (reason: unknown) => void = () => {};
  #closed = false;

  constructor(served: Served) {
    this.#served = served;
  }

  /**
   * @param signal ends the wait, or the work at its next pause
   * @throws GraftError SERVER_BUSY, and as the work does; the signal's reason
   */
  async ask<Kind extends Request['kind']>(
    request: Extract<Request, { kind: Kind }>,
    signal: AbortSignal,
  ): Promise<Values[Kind]> {
    const waiting = [...this.#waiting].filter(({ aborted }) => !aborted).length;
    if (waiting >= most) throw serverError('SERVER_BUSY', { count: most });
    this.#spare?.abort();
    this.#waiting.add(signal);
    try {
      return (await this.#inTurn(request, signal)) as Values[Kind];
    } finally {
      this.#waiting.delete(signal);
    }
  }

  /** The same while nothing else is asked; undefined where it had to give way. */
  async askInSpareTime<Kind extends Request['kind']>(
    request: Extract<Request, { kind: Kind }>,
  ): Promise<Values[Kind] | undefined> {
    while (this.#waiting.size > 0) await this.#last;
    const spare = new AbortController();
    this.#spare = spare;
    try {
      return (await this.#inTurn(request, spare.signal)) as Values[Kind];
    } catch (error) {
      if (spare.signal.aborted) return undefined;
      throw error;
    } finally {
      this.#spare = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#spare?.abort();
    void this.#worker?.terminate();
  }

  #inTurn(request: Request, signal: AbortSignal): Promise<Values[keyof Values]> {
    const turn = this.#last.then(() => this.#send(request, signal));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #send(request: Request, signal: AbortSignal): Promise<Values[keyof Values]> {
    signal.throwIfAborted();
    this.#worker ??= this.#begin();
    const worker = this.#worker;
    const cancel = () => worker.postMessage('cancel');
    signal.addEventListener('abort', cancel);
    const waiting = new Promise<Answer>((resolve, reject) => {
      worker.once('message', resolve);
      this.#fail = reject;
    });
    try {
      worker.postMessage(request);
      const answer = await waiting;
      if ('mistake' in answer) throw new GraftError(...answer.mistake);
      if ('defect' in answer) throw answer.defect;
      if ('cancelled' in answer) throw signal.reason;
      return answer.value;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
      worker.removeAllListeners('message');
    }
  }

  /** One that ends is begun anew by the next request. */
  #begin(): Worker {
    if (this.#closed) throw new Error('the server is being closed');
    const workerData: Start = { served: this.#served, threads: threads() };
    const worker = new Worker(new URL('./worker.js', import.meta.url), { execArgv: [], workerData });
    const ended = (reason: unknown) => {
      this.#worker = undefined;
      this.#fail(reason);
    };
    worker.on('error', ended);
    worker.on('exit', (code) => ended(new Error(`the thread of the model ended with ${code}`)));
    return worker;
  }
}
