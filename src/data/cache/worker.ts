/** A thread that fills entries, one request after another. */
import { parentPort } from 'node:worker_threads';
import { GraftError } from '../../core/index.js';
import { fillEntry } from './fill.js';
import type { Request } from './key.js';

/** A thread's answer: the entry's path, or why there is none. A `GraftError` comes as its parts, to be one again. */
export type Answer = { path: string } | { mistake: ConstructorParameters<typeof GraftError> } | { defect: unknown };

function answer(folder: string, request: Request): Answer {
  try {
    return { path: fillEntry(folder, request) };
  } catch (error) {
    if (!(error instanceof GraftError)) return { defect: error };
    const { code, message, hint, exitCode } = error;
    return { mistake: [code, message, hint, exitCode] };
  }
}

parentPort!.on('message', ({ folder, request }: { folder: string; request: Request }) =>
  parentPort!.postMessage(answer(folder, request)),
);
