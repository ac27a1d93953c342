// One adaptation step of graft against the plain PyTorch loop (bench/adaptation_step.py), in turns on the same machine.
// Needs python3 with the same torch that graft was built against. Run "npm run build" first.
//   node bench/adaptation-step.mjs [--python python3] [--rounds 3]
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { consistency } from '../dist/adapt/index.js';
import { EarlyHead, UNet2D, unetAdapterSchema, unetPlans } from '../dist/networks/unet2d/index.js';
import { Adam, initialiseModule } from '../dist/nn/index.js';
import { applyPlan, setBatchStatistics } from '../dist/peft/index.js';
import { scope, setThreads, tensor, threads, torchVersion } from '../dist/torch/index.js';

const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, rounds: { type: 'string', default: '3' } },
});
const [steps, batch, size, filters] = [6, 8, 256, 16];
setThreads(Math.max(1, threads()));

const network = new UNet2D({ inChannels: 1, outChannels: 1, filters });
const head = new EarlyHead(3, network.config);
initialiseModule(network, 1, 'network');
initialiseModule(head, 1, 'head');
for (const module of [network, head]) module.to('cpu', 'channels_last');
const { trained } = applyPlan(network, unetPlans.convlora, unetAdapterSchema.parse({}));
const optimiser = new Adam(trained, { lr: 1e-4 });
const images = tensor(
  Float32Array.from({ length: batch * size * size }, (_, i) => (i * 0.618) % 1),
  [batch, 1, size, size],
);

function graft(batchStatistics) {
  setBatchStatistics(network, batchStatistics);
  return Array.from({ length: steps }, () => {
    const begin = performance.now();
    scope(() => {
      const { loss } = consistency(network, head, images);
      optimiser.zeroGrad();
      loss.backward();
      optimiser.step();
      loss.item();
    });
    return performance.now() - begin;
  });
}

function reference() {
  const script = fileURLToPath(new URL('adaptation_step.py', import.meta.url));
  const args = [script, steps, batch, size, filters, threads()].map(String);
  return JSON.parse(execFileSync(values.python, args, { encoding: 'utf8' }));
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const times = { reference: [], ema: [], recompute: [] };
for (let round = 0; round < Number(values.rounds); round++) {
  // The first step of each warms caches up.
  times.reference.push(...reference().slice(1));
  times.ema.push(...graft(true).slice(1));
  times.recompute.push(...graft(false).slice(1));
}
console.log(
  `libtorch ${torchVersion()}, ${threads()} threads, batch ${batch} of ${size}x${size}, ${filters} filters, encoder adapted`,
);
const base = median(times.reference);
console.log(`plain PyTorch loop              ${base.toFixed(0)} ms`);
for (const [name, label] of [
  ['ema', 'graft, statistics ema          '],
  ['recompute', 'graft, statistics recompute    '],
]) {
  const time = median(times[name]);
  console.log(`${label} ${time.toFixed(0)} ms, ${(time / base).toFixed(2)} of the loop`);
}
