/** A thread that fills entries, one request after another. */
import { workerData } from 'node:worker_threads';
import { answerRequests, runToEnd } from '../../core/index.js';
import { fillEntry } from './fill.js';
import type { Request } from './key.js';

/** Answered with the entry's path. */
export interface FillRequest {
  kind: 'fill';
  folder: string;
  request: Request;
}

/** Not 0 as soon as no entry is wanted any more; nobody reads the answer then. */
const stop = workerData as Int32Array;

answerRequests(({ folder, request }: FillRequest) =>
  runToEnd(fillEntry(folder, request), () => {
    if (Atomics.load(stop, 0) !== 0) throw new Error('no entry is wanted any more');
  }),
);
