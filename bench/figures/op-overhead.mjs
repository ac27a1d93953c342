/** What a call costs beside its kernel: operators on 4×4 numbers, without gradients, on one thread, beside Python's. */
import { alternate, median, own, peer, ratios } from '../harness.mjs';

export async function* opOverhead({ python, runs = 9 }) {
  for (const operation of ['add', 'mul-number', 'linear', 'reshape', 'softmax']) {
    const workers = [await own('op-overhead.mjs', operation), await peer(python, 'op_overhead.py', operation)];
    const samples = await alternate(workers, { runs, warmup: 2 });
    for (const worker of workers) worker.stop();
    const [graft, reference] = samples.map((list) => list.map(({ value }) => value));
    const nanoseconds = { ns: Math.round(median(graft)), peerNs: Math.round(median(reference)) };
    yield { variant: operation, ...ratios(graft, reference), ...nanoseconds, runs };
  }
}
