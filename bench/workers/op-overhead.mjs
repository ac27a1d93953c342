/** Small operators in graft. Usage: op-overhead.mjs OPERATION; a sample is the nanoseconds of one call. */
import { linear, noGrad, ones, scope, setThreads, softmax } from '../../dist/torch/index.js';
import { serve } from './worker.mjs';

setThreads(1);
const [x, y, bias] = [ones([4, 4]), ones([4, 4]), ones([4])];
const run = {
  add: () => x.add(y),
  'mul-number': () => x.mul(2),
  linear: () => linear(x, y, bias),
  reshape: () => x.reshape(2, 8),
  softmax: () => softmax(x, 1),
}[process.argv[2]];

/** The fastest batch: what else the machine does only ever adds time. A scope frees the results, as in a training step. */
function sample({ batches = 1500, calls = 200 } = {}) {
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < batches; batch++) {
    const begin = performance.now();
    for (let i = 0; i < calls; i += 100)
      scope(() => {
        for (let k = 0; k < 100; k++) run();
      });
    best = Math.min(best, performance.now() - begin);
  }
  return (best * 1e6) / calls;
}
await noGrad(() => serve(() => sample()));
