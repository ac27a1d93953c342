/**
 * A thread that answers requests one at a time, so that the event loop goes on while it computes: `AskedThread` asks, and
 * the thread's module calls `answerRequests`. An error arrives as what it was.
 */
import { parentPort, Worker, type WorkerOptions } from 'node:worker_threads';
import { GraftError } from './errors.js';

interface Named {
  kind: string;
}

/** A `GraftError` comes as its parts, to be one again. */
type Answer = { value: unknown } | { mistake: ConstructorParameters<typeof GraftError> } | { defect: unknown };

type Message = { request: Named } | 'cancel';

/** `Values` says what each kind of request is answered with. */
export class AskedThread<Request extends Named, Values extends Record<Request['kind'], unknown>> implements Disposable {
  readonly #module: URL;
  readonly #options: WorkerOptions;
  #worker: Worker | undefined;
  /** Ends the wait for the request under way. */
  #fail: (reason: unknown) => void = () => {};
  #closed: Error | undefined;

  /** @param options of the thread, which begins with the first request */
  constructor(module: URL, options: Pick<WorkerOptions, 'workerData' | 'resourceLimits'>) {
    this.#module = module;
    // The flags of the main program, such as those of a module given as text, are none of a thread's.
    this.#options = { ...options, execArgv: [] };
  }

  /**
   * Asks once what was asked before is answered, for which callers wait. The process stays for the answer.
   *
   * @throws GraftError as the thread's work does; what `interrupt` was given; an error where the thread ends
   */
  async ask<Kind extends Request['kind']>(request: Extract<Request, { kind: Kind }>): Promise<Values[Kind]> {
    this.#worker ??= this.#begin();
    const worker = this.#worker;
    worker.ref();
    try {
      const answer = await new Promise<Answer>((resolve, reject) => {
        worker.once('message', resolve);
        this.#fail = reject;
        worker.postMessage({ request } satisfies Message);
      });
      if ('mistake' in answer) throw new GraftError(...answer.mistake);
      if ('defect' in answer) throw answer.defect;
      return answer.value as Values[Kind];
    } finally {
      this.#fail = () => {};
      worker.removeAllListeners('message').unref();
    }
  }

  /** Aborts the signal of the work under way, which may end then; it is answered all the same. */
  cancel(): void {
    this.#worker?.postMessage('cancel' satisfies Message);
  }

  /** Ends the thread, and the request under way with this reason. The next request begins another thread. */
  interrupt(reason: unknown): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#fail(reason);
    void worker?.terminate();
  }

  [Symbol.dispose](): void {
    this.#closed = new Error('the thread was closed');
    this.interrupt(this.#closed);
  }

  #begin(): Worker {
    if (this.#closed) throw this.#closed;
    const worker = new Worker(this.#module, this.#options);
    const ended = (reason: unknown) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#fail(reason);
    };
    worker.on('error', ended);
    worker.on('exit', (code) => ended(new Error(`the thread ended with ${code}`)));
    return worker;
  }
}

/**
 * Answers in a thread what an `AskedThread` asks.
 *
 * @param carryOut its signal is aborted when the request is cancelled
 * @param handedOver memory in the value that is moved instead of copied
 */
export function answerRequests<Request extends Named, Value>(
  carryOut: (request: Request, signal: AbortSignal) => Value | Promise<Value>,
  handedOver: (value: Value) => ArrayBuffer[] = () => [],
): void {
  let work = new AbortController();
  const answer = async (request: Request) => {
    work = new AbortController();
    const say = (said: Answer, moved: ArrayBuffer[] = []) => parentPort!.postMessage(said, moved);
    try {
      const value = await carryOut(request, work.signal);
      say({ value }, handedOver(value));
    } catch (error) {
      if (!(error instanceof GraftError)) return say({ defect: error });
      const { code, message, hint, exitCode } = error;
      say({ mistake: [code, message, hint, exitCode] });
    }
  };
  parentPort!.on('message', (message: Message) => {
    if (message === 'cancel') work.abort(new Error('cancelled'));
    else void answer(message.request as Request);
  });
}
