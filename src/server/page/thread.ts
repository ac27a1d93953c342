/** The thread of `pageBeside`: serves a run's page until it is terminated, and says where. */
import { parentPort, workerData } from 'node:worker_threads';
import { servePage } from './serve.js';
import { pageSource } from './source.js';

await servePage({
  ...{ source: pageSource([workerData as string], 'dice'), port: 0, signal: new AbortController().signal },
  opened: (url) => parentPort?.postMessage(url),
});
