/** Filling entries on several threads. */
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { AskedThread, type Pause, pause } from '../../core/index.js';
import type { Request } from './key.js';
import type { FillRequest } from './worker.js';

/** Each thread holds a volume several times over: more would be a question of memory. */
const mostThreads = 8;

const moduleOfThread = new URL('./worker.js', import.meta.url);
type Thread = AskedThread<FillRequest, { fill: string }>;
/** Never a rejection: an answer that nobody waits for any more must not end the process. */
type Done = { thread: Thread; index: number } & ({ path: string } | { error: unknown });

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
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const options = { workerData: stop };
  const threads = Array.from({ length: count }, (): Thread => new AskedThread(moduleOfThread, options));
  const waiting = requests.entries();
  const running = new Map<Thread, Promise<Done>>();
  const assign = (thread: Thread) => {
    const { done, value } = waiting.next();
    if (done) running.delete(thread);
    else {
      const [index, request] = value;
      const path = thread.ask({ kind: 'fill', folder, request });
      running.set(
        thread,
        path.then(
          (path) => ({ thread, index, path }),
          (error) => ({ thread, index, error }),
        ),
      );
    }
  };
  try {
    threads.forEach(assign);
    while (running.size > 0) {
      const first = await Promise.race([...running.values(), setTimeout(BREATH)]);
      if (!first) {
        yield pause;
        continue;
      }
      if ('error' in first) throw first.error;
      assign(first.thread);
      yield { index: first.index, path: first.path };
    }
  } finally {
    Atomics.store(stop, 0, 1);
    // A thread that is ended while it writes would leave a temporary file.
    await Promise.all(running.values());
    for (const thread of threads) thread[Symbol.dispose]();
  }
}
