/** The page of a run that this process carries out, served from a thread that answers while the run computes. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface PageBeside extends Disposable {
  url: string;
}

/** Ends with this process, or when it is disposed of. @param folder that holds a run already */
export async function pageBeside(folder: string): Promise<PageBeside> {
  const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: folder });
  worker.unref();
  const [url] = (await once(worker, 'message')) as [string];
  return { url, [Symbol.dispose]: () => void worker.terminate() };
}
