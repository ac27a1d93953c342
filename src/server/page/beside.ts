/** The page of what this process carries out, served from a thread that answers while the process computes. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface PageBeside extends AsyncDisposable {
  url: string;
}

/**
 * Ends with this process; disposed of, when browsers that show it have had the time to see the last change.
 * @param folder that `pageSource` knows
 */
export async function pageBeside(folder: string): Promise<PageBeside> {
  const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: folder });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.unref();
  const [url] = (await once(worker, 'message')) as [string];
  // The work is worth more than its page.
  worker.on('error', ({ message }) => process.stderr.write(`The page is gone: ${message}\n`));
  return {
    url,
    async [Symbol.asyncDispose]() {
      worker.ref();
      worker.postMessage('end');
      await ended;
    },
  };
}
