/** One step of FLAP-SAM's fine-tuning. Usage: flap-step.mjs FILE PRECISION THREADS; FILE as figures/flap-step.mjs writes it. */
import { readFileSync } from 'node:fs';
import { accumulateGradients, lossFor } from '../../dist/finetune/index.js';
import { Sam, samAdapterSchema, samPlans } from '../../dist/networks/sam/index.js';
import { Adam, disposeState, pick, readState } from '../../dist/nn/index.js';
import { applyPlan } from '../../dist/peft/index.js';
import { scope, setThreads } from '../../dist/torch/index.js';
import { serve } from './worker.mjs';

const [file, precision, threads] = process.argv.slice(2);
setThreads(Number(threads));
const network = new Sam(JSON.parse(readFileSync(`${file}.json`, 'utf8')));
const [images, labels, trained] = load();

/** In a function of its own, so that the mapped file is gone before memory is measured. */
function load() {
  const { state } = readState(file);
  const { shape } = state.get('image_encoder.blocks.0.attn.lora_w_a_q.0.weight');
  const planned = applyPlan(network, samPlans['flap-sam'], samAdapterSchema.parse({ rank: shape[0] }));
  network.loadState(pick(state, (name) => name !== 'images' && name !== 'labels'));
  const batch = ['images', 'labels'].map((name) => state.get(name).clone().keep());
  disposeState(state);
  return [...batch, planned.trained];
}
const optimiser = new Adam(trained, { lr: 1e-4, weightDecay: 0.1, decoupled: true });
const pass = { bfloat16: precision === 'bfloat16', checkpointing: precision === 'checkpointing' };
await serve(() => {
  const lossOf = (features, run) =>
    lossFor(
      network,
      run(() => network.logits(features)),
      labels,
      0.2,
    );
  const loss = scope(() => accumulateGradients(network, trained.keys(), images, lossOf, pass).item());
  optimiser.step();
  optimiser.zeroGrad();
  return loss;
});
