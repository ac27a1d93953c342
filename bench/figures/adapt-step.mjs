/**
 * One step of ConvLoRA's adaptation (eight slices of 256², 16 filters, the encoder adapted) beside the loop that follows
 * the paper's procedure, with batch statistics that move (`ema`) and with stored ones (`recompute`).
 */
import { alternate, own, peer, stepRow } from '../harness.mjs';

const sizes = [8, 256, 16];

export async function* adaptStep({ python, threads, runs = 9 }) {
  for (const statistics of ['ema', 'recompute']) {
    const workers = [await own('adapt-step.mjs', statistics, ...sizes, threads)];
    workers.push(await peer(python, 'adapt_step.py', ...sizes, threads));
    yield { variant: statistics, ...stepRow(await alternate(workers, { runs })) };
    for (const worker of workers) worker.stop();
  }
}
