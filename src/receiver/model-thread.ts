/** The models in a thread of their own, so that the event loop takes images while they compute. */
import { AskedThread } from '../core/index.js';
import type { Request, Start, Values } from './message.js';

export class ModelThread implements Disposable {
  readonly #thread: AskedThread<Request, Values>;

  constructor(workerData: Start) {
    this.#thread = new AskedThread(new URL('./worker.js', import.meta.url), { workerData });
  }

  /** @throws GraftError as the work does; the signal's reason, with which the thread ends */
  async ask<Kind extends Request['kind']>(
    request: Extract<Request, { kind: Kind }>,
    signal: AbortSignal,
  ): Promise<Values[Kind]> {
    signal.throwIfAborted();
    const end = () => this.#thread.interrupt(signal.reason);
    signal.addEventListener('abort', end);
    try {
      return await this.#thread.ask(request);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  [Symbol.dispose](): void {
    this.#thread[Symbol.dispose]();
  }
}
