/** Models with adapters and volumes with random values, for figures that predict and adapt. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { random, runWithoutPauses } from '../../dist/core/index.js';
import { writeVolume } from '../../dist/data/index.js';
import { networkFamilies } from '../../dist/networks/index.js';
import { applyPlan, recomputeStatistics } from '../../dist/peft/index.js';
import { Segmenter, saveAdapter, saveSegmenter } from '../../dist/segmenter/index.js';
import { Generator, noGrad, operator, scope } from '../../dist/torch/index.js';

/** Of all volumes, [z, y, x] in mm. */
export const spacing = [3, 0.9, 0.9];
const rand = operator('aten::rand.generator');
const randn = operator('aten::randn.generator');

/**
 * Writes a model and an adapter of its plan.
 * @param {'unet2d' | 'sam'} name of the family @param config of the network
 * @returns the paths of both
 */
export function writeModel(folder, name, config, { plan, adapter, preparation }) {
  const family = networkFamilies[name];
  const [model, adapted] = ['model', 'adapter'].map((file) => join(folder, `${file}.safetensors`));
  const segmenter = new Segmenter({ family, config: family.config.parse(config), preparation });
  segmenter.initialise(1);
  if (name === 'unet2d') segmenter.fill(balance);
  const { network, fingerprint: base, classes, own } = segmenter;
  saveSegmenter(model, segmenter);
  const options = family.adapter.parse(adapter);
  const generator = new Generator(1);
  const { trained } = applyPlan(network, family.plans[plan], options, { seed: 1 });
  // Updates begin at zero; a trained adapter's are not.
  noGrad(() =>
    scope(() => {
      for (const value of trained.values()) value.add_(randn(value.shape, { generator }).mul(0.02));
    }),
  );
  saveAdapter(adapted, { ...own, family: name, method: plan, base, options, classes, state: trained, provenance: {} });
  segmenter.dispose();
  return { model, adapter: adapted };
}

/** Statistics of random images and no bias at the end, so that masks are neither empty nor full. */
function balance(network) {
  const images = rand([2, network.config.inChannels, 64, 64], { generator: new Generator(1) });
  runWithoutPauses(recomputeStatistics(network, (batch) => network.forward(batch), [{ images, weight: 1 }]));
  noGrad(() => network.state().get('out_path.2.bias').zero_());
}

/** Writes so many volumes of int16 [z, y, x]: a bright ball in noise. @returns their folder */
export function writeVolumes(folder, count, shape) {
  mkdirSync(folder, { recursive: true });
  for (let k = 0; k < count; k++) {
    const stream = random(1, k);
    const data = new Int16Array(shape[0] * shape[1] * shape[2]);
    const from = (i, axis) => (i + 0.5) / shape[axis] - 0.5;
    let i = 0;
    for (let z = 0; z < shape[0]; z++)
      for (let y = 0; y < shape[1]; y++)
        for (let x = 0; x < shape[2]; x++) {
          const inside = from(z, 0) ** 2 + from(y, 1) ** 2 + from(x, 2) ** 2 < 0.1;
          data[i++] = (inside ? 150 : 0) + stream.integer(64);
        }
    const affine = [spacing[2], 0, 0, 0, 0, spacing[1], 0, 0, 0, 0, spacing[0], 0, 0, 0, 0, 1];
    writeVolume(join(folder, `case${k}.nii.gz`), { data, shape, affine });
  }
  return folder;
}
