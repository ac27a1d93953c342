/** A thread that fills entries, one request after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { GraftError, runToEnd } from '../../core/index.js';
import { fillEntry } from './fill.js';
import type { Request } from './key.js';

/** A thread's answer: the entry's path, or why there is none. A `GraftError` comes as its parts, to be one again. */
export type Answer = { path: string } | { mistake: ConstructorParameters<typeof GraftError> } | { defect: unknown };

/** Not 0 as soon as no entry is wanted any more; nobody reads the answer then. */
const stop = workerData as Int32Array;

async function answer(folder: string, request: Request): Promise<Answer> {
  try {
    const path = await runToEnd(fillEntry(folder, request), () => {
      if (Atomics.load(stop, 0) !== 0) throw new Error('no entry is wanted any more');
    });
    return { path };
  } catch (error) {
    if (!(error instanceof GraftError)) return { defect: error };
    const { code, message, hint, exitCode } = error;
    return { mistake: [code, message, hint, exitCode] };
  }
}

parentPort!.on('message', async ({ folder, request }: { folder: string; request: Request }) =>
  parentPort!.postMessage(await answer(folder, request)),
);
