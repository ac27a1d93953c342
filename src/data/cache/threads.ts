/** Filling entries on several threads. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { GraftError, type Pause, pause } from '../../core/index.js';
import type { Request } from './key.js';
import type { Answer } from './worker.js';

/** Each thread holds a volume several times over: more would be a question of memory. */
const mostThreads = 8;

/** Between two pauses while all threads are at work, in ms. */
const BREATH = 200;

interface Filled {
  /** The request's place in the list. */
  index: number;
  path: string;
}

/**
 * Fills the entries of all requests, in the order in which they are done. Ending early stops those under way at their next pause.
 *
 * @throws GraftError as `fillEntry`, of the first request that fails
 */
export async function* fillInThreads(folder: string, requests: readonly Request[]): AsyncGenerator<Filled | Pause> {
  const count = Math.min(requests.length, mostThreads, availableParallelism());
  // The flags of the main program, such as those of a module given as text, are none of a thread's.
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const thread = () => new Worker(new URL('./worker.js', import.meta.url), { execArgv: [], workerData: stop });
  const workers = Array.from({ length: count }, thread);
  const waiting = requests.entries();
  const running = new Map<Worker, Promise<{ worker: Worker; index: number; answer: Answer }>>();
  const assign = (worker: Worker) => {
    const { done, value } = waiting.next();
    if (done) running.delete(worker);
    else
      running.set(
        worker,
        ask(worker, folder, value[1]).then((answer) => ({ worker, index: value[0], answer })),
      );
  };
  try {
    workers.forEach(assign);
    while (running.size > 0) {
      const first = await Promise.race([...running.values(), setTimeout(BREATH)]);
      if (!first) {
        yield pause;
        continue;
      }
      const { worker, index, answer } = first;
      if ('mistake' in answer) throw new GraftError(...answer.mistake);
      if ('defect' in answer) throw answer.defect;
      assign(worker);
      yield { index, path: answer.path };
    }
  } finally {
    Atomics.store(stop, 0, 1);
    // A thread that is ended while it writes would leave a temporary file.
    await Promise.all(running.values());
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Never rejects: an answer that nobody waits for any more must not end the process. */
async function ask(worker: Worker, folder: string, request: Request): Promise<Answer> {
  try {
    worker.postMessage({ folder, request });
    const [answer] = await once(worker, 'message');
    return answer as Answer;
  } catch (defect) {
    return { defect };
  }
}
