/** What a call costs beside its kernel: operators on 4×4 numbers, without gradients, on one thread, beside Python's. */
import { compare, median, own, peer, ratios } from '../harness.mjs';

export async function* opOverhead({ python, runs = 9 }) {
  for (const operation of ['add', 'mul-number', 'linear', 'reshape', 'softmax']) {
    const starts = [() => own('op-overhead.mjs', operation), () => peer(python, 'op_overhead.py', operation)];
    yield await compare(operation, starts, { runs, warmup: 2 }, (samples) => {
      const [graft, reference] = samples.map((list) => list.map(({ value }) => value));
      const nanoseconds = { ns: Math.round(median(graft)), peerNs: Math.round(median(reference)) };
      return { ...ratios(graft, reference), ...nanoseconds, runs };
    });
  }
}
