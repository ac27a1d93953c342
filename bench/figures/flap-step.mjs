/**
 * One step of FLAP-SAM's fine-tuning (ViT-B, 224 px, five slices, two classes, LoRA of rank 32) beside PyTorch: time,
 * and the peak of the resident memory of the process. All start from the same weights and see the same batch, so their
 * losses agree; rows say by how much they differ.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sam, samAdapterSchema, samConfig, samPlans } from '../../dist/networks/sam/index.js';
import { initialiseModule, writeState } from '../../dist/nn/index.js';
import { applyPlan } from '../../dist/peft/index.js';
import { Generator, operator, scope } from '../../dist/torch/index.js';
import { alternate, own, peer, stepRow } from '../harness.mjs';

const [slices, size, rank] = [5, 224, 32];

/** Weights and a batch, for all to start from. */
function write(file) {
  scope(() => {
    const config = samConfig('sam-vit-b', { imageSize: size, classes: 2 });
    const network = new Sam(config);
    initialiseModule(network, 1, 'sam');
    applyPlan(network, samPlans['flap-sam'], samAdapterSchema.parse({ rank, init: 'reference' }));
    const generator = new Generator(1);
    const images = operator('aten::rand.generator')([slices, 3, size, size], { generator });
    const labels = operator('aten::randint.generator')(3, [slices, size, size], { generator, dtype: 'int64' });
    writeState(file, new Map([...network.state(), ['images', images], ['labels', labels]]), {});
    writeFileSync(`${file}.json`, JSON.stringify(config));
    network.dispose();
  });
}

/** What graft computes in, the peer, and what that computes in. */
const all = [
  ['float32', 'eager', 'float32'],
  ['bfloat16', 'eager', 'float32'],
  ['bfloat16', 'fused', 'bfloat16'],
  ['bfloat16', 'compiled', 'bfloat16'],
];

export async function* flapStep({ python, threads, runs = 7, baselines = all }) {
  const folder = mkdtempSync(join(tmpdir(), 'graft-flap-step-'));
  const file = join(folder, 'start.safetensors');
  try {
    write(file);
    for (const [precision, baseline, theirs] of baselines) {
      const variant = `${precision} / ${baseline} ${theirs}`;
      const workers = [];
      try {
        workers.push(await own('flap-step.mjs', file, precision, threads));
        workers.push(await peer(python, 'flap_step.py', file, baseline, theirs, threads));
        const samples = await alternate(workers, { runs });
        const losses = samples[0].map(({ value }, i) => Math.abs(value - samples[1][i].value));
        yield { variant, ...stepRow(samples), lossDifference: Number(Math.max(...losses).toPrecision(2)) };
      } catch (error) {
        yield { variant, skipped: error.message.trim().split('\n').at(-1) };
      } finally {
        for (const worker of workers) worker.stop();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
