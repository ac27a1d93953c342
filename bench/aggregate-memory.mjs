/**
 * Memory and time of closing a round of many sites, for every aggregation: `npm run build && node bench/aggregate-memory.mjs
 * [--sites 6,100,1000] [--aggregations mean,product-svd] [--compression none] [--wire fp32] [--robust none]`. Linux alone:
 * memory is read from /proc.
 *
 * Each count runs in a process of its own (workers/aggregate.mjs), on one thread. Printed are, in updates and beside what is
 * held with the global state loaded:
 *
 * - tensors: the most that JavaScript holds whenever a tensor of an update is read, the new global state included
 * - process: the peak of the process's own memory (VmHWM, which is forgotten before), with garbage that was not
 *   collected, the allocator's gaps and the rooms of libtorch's kernels
 *
 * docs/results.md has the figures; `npm run bench -- --only aggregate` compares `product-svd` with the dense way.
 */
import { parseArgs } from 'node:util';
import { inFolder, own } from './harness.mjs';
import { writeRound } from './shared/closing.mjs';

const { values } = parseArgs({
  options: {
    sites: { type: 'string', default: '6,100,1000' },
    aggregations: { type: 'string', default: 'mean,product-svd' },
    robust: { type: 'string', default: 'none' },
    compression: { type: 'string', default: 'none' },
    wire: { type: 'string', default: 'fp32' },
  },
});

/** Closes a round for each count and tells what it took. */
const lines = (aggregation, settings, counts) =>
  inFolder(async function* (folder) {
    const bytes = writeRound(folder, { aggregation, ...settings });
    for (const count of counts) {
      const worker = await own('aggregate.mjs', folder, count, 1);
      const { ms, value } = await worker.sample();
      worker.stop();
      const [held, most] = value.map((one) => (one / bytes).toFixed(2).padStart(6));
      yield `${aggregation.padEnd(12)} ${String(count).padStart(5)} sites   tensors ${held}   process ${most}   ` +
        `${(ms / 1000).toFixed(2).padStart(7)} s   ${(ms / count).toFixed(1).padStart(6)} ms a site`;
    }
  });

for (const aggregation of values.aggregations.split(',')) {
  const { sites, aggregations: _, ...settings } = values;
  for await (const line of lines(aggregation, settings, sites.split(',').map(Number))) console.log(line);
}
