/** One step of adaptation. Usage: adapt-step.mjs STATISTICS BATCH SIZE FILTERS THREADS; STATISTICS: ema, recompute. */
import { consistency } from '../../dist/adapt/index.js';
import { EarlyHead, UNet2D, unetAdapterSchema, unetPlans } from '../../dist/networks/unet2d/index.js';
import { Adam, initialiseModule } from '../../dist/nn/index.js';
import { applyPlan, setBatchStatistics } from '../../dist/peft/index.js';
import { keepFreedMemory, scope, setThreads, tensor } from '../../dist/torch/index.js';
import { serve } from './worker.mjs';

const [statistics, ...sizes] = process.argv.slice(2);
const [batch, size, filters, threads] = sizes.map(Number);
setThreads(threads);
const network = new UNet2D({ inChannels: 1, outChannels: 1, filters });
const head = new EarlyHead(3, network.config);
initialiseModule(network, 1, 'network');
initialiseModule(head, 1, 'head');
for (const module of [network, head]) module.to('cpu', 'channels_last');
const { trained } = applyPlan(network, unetPlans.convlora, unetAdapterSchema.parse({}));
setBatchStatistics(network, statistics === 'ema');
const optimiser = new Adam(trained, { lr: 1e-4 });
const images = tensor(
  Float32Array.from({ length: batch * size * size }, (_, i) => (i * 0.618) % 1),
  [batch, 1, size, size],
);

keepFreedMemory(); // as training loops do
await serve(() =>
  scope(() => {
    const { loss } = consistency(network, head, images);
    optimiser.zeroGrad();
    loss.backward();
    optimiser.step();
    return loss.item();
  }),
);
