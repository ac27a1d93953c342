/**
 * The model in a thread of its own, so that the event loop answers viewers while it computes. One request at a time: the
 * others wait in their order, a few at most. Work that nobody waits for gives way to them.
 */
import { AskedThread } from '../core/index.js';
import { threads } from '../torch/index.js';
import { serverError } from './errors.js';
import type { Request, Served, Start, Values } from './message.js';

/** Requests under way and waiting. */
const most = 8;

export class ModelThread implements Disposable {
  readonly #thread: AskedThread<Request, Values>;
  /** Of the requests under way and waiting. */
  readonly #waiting = new Set<AbortSignal>();
  /** Resolved when the last of those that wait is done. */
  #last: Promise<unknown> = Promise.resolve();
  /** Ends the work that nobody waits for. */
  #spare: AbortController | undefined;

  constructor(served: Served) {
    const workerData: Start = { served, threads: threads() };
    this.#thread = new AskedThread(new URL('./worker.js', import.meta.url), { workerData });
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
    this.#spare?.abort();
    this.#thread[Symbol.dispose]();
  }

  #inTurn(request: Request, signal: AbortSignal): Promise<Values[keyof Values]> {
    const turn = this.#last.then(() => this.#send(request, signal));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #send(request: Request, signal: AbortSignal): Promise<Values[keyof Values]> {
    signal.throwIfAborted();
    const cancel = () => this.#thread.cancel();
    signal.addEventListener('abort', cancel);
    try {
      return await this.#thread.ask(request);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }
}
