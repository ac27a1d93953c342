/** The models in a thread of their own, so that the event loop takes images while they compute: one request at a time. */
import { Worker } from 'node:worker_threads';
import { GraftError } from '../core/index.js';
import type { Answer, Request, Start, Values } from './message.js';

export class ModelThread implements Disposable {
  readonly #start: Start;
  #worker: Worker | undefined;
  #fail: (reason: unknown) => void = () => {};

  constructor(start: Start) {
    this.#start = start;
  }

  /** @throws GraftError as the work does; the signal's reason */
  async ask<Kind extends Request['kind']>(
    request: Extract<Request, { kind: Kind }>,
    signal: AbortSignal,
  ): Promise<Values[Kind]> {
    signal.throwIfAborted();
    this.#worker ??= this.#begin();
    const worker = this.#worker;
    const cancel = () => this.#fail(signal.reason);
    signal.addEventListener('abort', cancel);
    try {
      const answer = await new Promise<Answer>((resolve, reject) => {
        worker.once('message', resolve);
        this.#fail = reject;
        worker.postMessage(request);
      });
      if ('mistake' in answer) throw new GraftError(...answer.mistake);
      if ('defect' in answer) throw answer.defect;
      return answer.value as Values[Kind];
    } finally {
      signal.removeEventListener('abort', cancel);
      worker.removeAllListeners('message');
    }
  }

  [Symbol.dispose](): void {
    void this.#worker?.terminate();
  }

  /** One that ends is begun anew by the next request. */
  #begin(): Worker {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { execArgv: [], workerData: this.#start });
    const ended = (reason: unknown) => {
      this.#worker = undefined;
      this.#fail(reason);
    };
    worker.on('error', ended);
    worker.on('exit', (code) => ended(new Error(`the thread of the models ended with ${code}`)));
    return worker;
  }
}
