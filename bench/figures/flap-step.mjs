/**
 * One step of FLAP-SAM's fine-tuning (ViT-B, 224 px, five slices, two classes, LoRA of rank 32) beside PyTorch: time,
 * and the peak of the resident memory of the process. All start from the same weights and see the same batch, so their
 * losses agree; rows say by how much they differ.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sam, samAdapterSchema, samConfig, samPlans } from '../../dist/networks/sam/index.js';
import { initialiseModule, writeState } from '../../dist/nn/index.js';
import { applyPlan } from '../../dist/peft/index.js';
import { Generator, operator, scope } from '../../dist/torch/index.js';
import { compare, inFolder, largestDifference, own, peer, stepRow } from '../harness.mjs';

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

export const flapStep = ({ python, threads, runs = 7, baselines = all }) =>
  inFolder(async function* (folder) {
    const file = join(folder, 'start.safetensors');
    write(file);
    for (const [precision, baseline, theirs] of baselines)
      yield await compare(
        `${precision} / ${baseline} ${theirs}`,
        [
          () => own('flap-step.mjs', file, precision, threads),
          () => peer(python, 'flap_step.py', file, baseline, theirs, threads),
        ],
        { runs },
        (samples) => ({ ...stepRow(samples), lossDifference: largestDifference(samples) }),
      );
  });
