/** The thread of `pageBeside`: serves a page, says where, and ends when it is told to. */
import { parentPort, workerData } from 'node:worker_threads';
import { servePage } from './serve.js';
import { pageSource } from './source.js';

const port = parentPort!;
const end = new AbortController();
port.once('message', () => end.abort());
await servePage({
  ...{ source: pageSource([workerData as string], 'dice'), port: 0, signal: end.signal, farewell: true },
  opened: (url) => port.postMessage(url),
});
