/** Models and volumes on which fine-tuning takes milliseconds. */
import type { z } from 'zod';
import { random } from '../../src/core/index.js';
import {
  type CaseSlices,
  type Preprocessing,
  prepareLabel,
  prepareVolume,
  preprocessingSchema,
  sourceOfTensor,
  type Volume,
  type WindowConfig,
  windowSchema,
} from '../../src/data/index.js';
import {
  type FineTuning,
  type FineTuningEvent,
  fineTuningSchema,
  finetune,
  type Tuned,
} from '../../src/finetune/index.js';
import { samSchema } from '../../src/networks/sam/index.js';
import type { Checkpoint } from '../../src/nn/index.js';
import { type PredictionOptions, predictSlices, type Segmenter } from '../../src/segmenter/index.js';
import { cat, scope, setThreads, type Tensor, tensor } from '../../src/torch/index.js';
import { samSegmenter } from '../segmenters.js';

setThreads(1);

export const architecture = samSchema.parse({
  ...{ imageSize: 32, embedDim: 32, depth: 3, heads: 2, globalAttention: [1] },
  ...{ window: 2, promptDim: 64, decoderMlp: 32, classes: 2 },
});

/**
 * An untrained model with two classes.
 *
 * @param options.promptDim a mask of the classes is made of promptDim / 32 maps: fewer than 4 learn little
 */
export function small({
  promptDim = architecture.promptDim,
  seed = 1,
  windows = {} as Partial<WindowConfig>,
  classes = ['core', 'rim'],
} = {}): Segmenter {
  const config = { ...architecture, promptDim, classes: classes.length || null };
  const model = samSegmenter(config, { classes, windows: windowSchema.parse({ slices: 3, ...windows }) });
  model.initialise(seed);
  return model;
}

/** A volume [z, y, x] of 7 x 24 x 28 voxels with a bright core in a grey rim, and its label. */
export function phantom(name: string, seed = 1): { volume: Volume; label: Uint8Array } {
  const { normal, uniform } = random(seed, 'phantom', name);
  const shape: [number, number, number] = [7, 24, 28];
  const spacing: [number, number, number] = [2, 1, 1];
  const centre = [3 + uniform(-1, 1), 12 + uniform(-3, 3), 14 + uniform(-3, 3)];
  const label = new Uint8Array(7 * 24 * 28).map((_, i) => {
    const place = [Math.floor(i / (24 * 28)), Math.floor(i / 28) % 24, i % 28];
    const r = Math.hypot(...place.map((at, axis) => (at - centre[axis]) * spacing[axis]));
    return r < 4 ? 1 : r < 8 ? 2 : 0;
  });
  const data = Float32Array.from(label, (value) => [100, 900, 500][value] + normal(0, 30));
  const affine = [1, 0, 0, -10, 0, 1, 0, 20, 0, 0, 2, 5, 0, 0, 0, 1];
  const grid: Volume['grid'] = {
    ...{ version: 1, littleEndian: true, header: new Uint8Array(348), dims: [28, 24, 7] },
    orientation: { axes: [0, 1, 2], flips: [false, false, false] },
  };
  return { volume: { path: `${name}.nii.gz`, data, shape, spacing, affine, grid }, label };
}

/** A case as `loadSlices` would give it. */
export function slices(name: string, preprocessing: Preprocessing, seed = 1): CaseSlices {
  const { volume, label } = phantom(name, seed);
  const { slices: values, shape, geometry } = prepareVolume(volume, preprocessing);
  const [n, h, w] = shape;
  return {
    case: { site: 'site', name, image: volume.path, label: `${name}-label.nii.gz` },
    images: tensor(values, [n, 1, h, w]).keep(),
    labels: prepareLabel({ ...volume, data: label }, preprocessing),
    geometry,
    spacing: [2, ...geometry.spacing],
  };
}
export const plain = preprocessingSchema.parse({ size: [32, 32], multiple: 16 });
export const cases = (...names: string[]) => names.map((name) => slices(name, plain));

/** Settings as a recipe would give them. */
export type Settings = z.input<typeof fineTuningSchema>;

export const configure = (config: Settings = {}): FineTuning =>
  fineTuningSchema.parse({
    ...{ plan: 'flap-sam', adapter: { rank: 2 }, epochs: 2, batch: 4, lr: 5e-3, warmup: 2, power: 0 },
    ...config,
  });

/** Fine-tunes to the end. */
export async function run(
  model: Segmenter,
  data: Parameters<typeof finetune>[1],
  config: Settings = {},
  { seed = 1, checkpoint }: { seed?: number; checkpoint?: Checkpoint } = {},
): Promise<{ events: FineTuningEvent[]; end: Tuned }> {
  const events: FineTuningEvent[] = [];
  for await (const event of finetune(model, data, configure(config), {
    seed,
    name: 'site',
    ...(checkpoint && { checkpoint }),
  }))
    events.push(event);
  return { events, end: events.at(-1) as FineTuningEvent & Tuned };
}

/** What the model says of all slices, float32 [n, C, h, w]. */
export const probabilitiesOf = (model: Segmenter, images: Tensor, options: PredictionOptions = {}): Float32Array =>
  scope(() =>
    cat([...predictSlices(model, sourceOfTensor(images), options)].map((one) => one.probabilities)).toArray(),
  );
