/** Adapters and weights for other programs: what peft and the reference code read is what graft computes with. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { preprocessingSchema } from '../../src/data/index.js';
import { copyState, readState, type State } from '../../src/nn/index.js';
import { applyPlan } from '../../src/peft/index.js';
import {
  type Adapter,
  exportPeft,
  exportWeights,
  planOf,
  type Segmenter,
  saveAdapter,
  saveSegmenter,
} from '../../src/segmenter/index.js';
import { noGrad, tensor } from '../../src/torch/index.js';
import { graft } from '../cli/graft.js';
import { temporaryFolder } from '../dicom/fixtures.js';
import { samSegmenter, unetSegmenter } from '../segmenters.js';

const root = temporaryFolder();
let count = 0;
const place = () => join(root, `place${count++}`);
const code = (expected: string) => expect.objectContaining({ code: expected });

const small = {
  ...{ imageSize: 64, embedDim: 32, depth: 2, heads: 2, globalAttention: [1], window: 2, promptDim: 32 },
  ...{ decoderMlp: 16, classes: null },
};
const sam = () => samSegmenter(small);
const unet = () =>
  unetSegmenter(
    { inChannels: 1, outChannels: 1, filters: 2 },
    { preprocessing: preprocessingSchema.parse({ spacing: 8, size: [32, 32] }) },
  );

/** A model, and an adapter of it with all that it trains moved at random. */
function adapted(
  model: Segmenter,
  method: string,
  options: object,
  normalisation: 'frozen' | 'averaged' = 'frozen',
): [Segmenter, Adapter] {
  model.initialise(1);
  const { family, network, classes, preparation } = model;
  const parsed = family.adapter.parse(options);
  const plan = planOf(family, method)!;
  const base = model.fingerprint;
  const planned = applyPlan(network, plan, parsed, { normalisation });
  const state = copyState(planned.held);
  planned.undo();
  const { uniform } = random(2, method);
  noGrad(() => {
    for (const value of state.values())
      value.add_(
        tensor(
          Array.from({ length: value.size }, () => uniform(0, 0.5)),
          [...value.shape],
        ),
      );
  });
  return [
    model,
    {
      name: method,
      family: family.name,
      method,
      base,
      options: { ...options },
      classes,
      ...preparation,
      state,
      provenance: {},
    },
  ];
}

/** peft's adapter applied to the base by peft's definition: W + lora_alpha / r · B·A, and modules that are kept whole. */
function applied(base: State, folder: string): { state: Map<string, Float32Array>; config: object } {
  const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'));
  const { state: tensors, metadata } = readState(join(folder, 'adapter_model.safetensors'));
  expect(metadata.format).toBe('pt');
  const state = new Map([...base].map(([name, value]) => [name, new Float32Array(value.toArray())]));
  const left = new Set(tensors.keys());
  const take = (name: string) => {
    left.delete(name);
    return tensors.get(name)!;
  };
  for (const path of config.target_modules as string[]) {
    const [a, b] = ['A', 'B'].map((factor) => take(`base_model.model.${path}.lora_${factor}.weight`));
    const rank = config.rank_pattern[path] ?? config.r;
    expect([a.shape[0], b.shape[1]]).toEqual([rank, rank]);
    const factor = (config.alpha_pattern[path] ?? config.lora_alpha) / rank;
    const change = b.reshape(-1, rank).matmul(a.reshape(rank, -1)).toArray();
    const weight = state.get(`${path}.weight`)!;
    expect(change.length).toBe(weight.length);
    change.forEach((value, i) => {
      weight[i] += factor * value;
    });
  }
  for (const name of left) {
    if (name.endsWith('.num_batches_tracked')) continue;
    const own = name.replace('base_model.model.', '');
    expect((config.modules_to_save as string[]).some((path) => own.startsWith(`${path}.`))).toBe(true);
    state.get(own)!.set(tensors.get(name)!.toArray());
  }
  return { state, config };
}

const methods: [string, () => [Segmenter, Adapter]][] = [
  ['LoRA and a part of the decoder', () => adapted(sam(), 'flap-sam', { rank: 3, scale: 0.7 })],
  ['several updates of a layer', () => adapted(sam(), 'lora', { rank: 2, count: 3, targets: ['q', 'k', 'v', 'lin1'] })],
  ['LoRA beside weights that are trained, too', () => adapted(sam(), 'lora-decoder', { rank: 2 })],
  ['ConvLoRA', () => adapted(unet(), 'convlora', { rank: 2, alpha: 3 })],
  ['ConvLoRA and statistics of the target', () => adapted(unet(), 'convlora-adabn', { rank: 1 }, 'averaged')],
];

describe.each(methods)('%s', (_, make) => {
  it('is in the form of peft what it is when it is merged', () => {
    const [model, adapter] = make();
    const base = copyState(model.network.state());
    const folder = place();
    model.use(adapter);
    const { adapted: layers, saved } = exportPeft(model, folder);
    const { state, config } = applied(base, folder);
    expect(config).toMatchObject({ peft_type: 'LORA', target_modules: layers, bias: 'none', inference_mode: true });
    // What is adapted is not kept whole as well.
    expect(layers.filter((path) => saved.some((one) => `${path}.`.startsWith(`${one}.`)))).toEqual([]);
    model.merge();
    for (const [name, value] of model.network.state()) {
      const merged = value.toArray();
      const difference = Math.max(...merged.map((one, i) => Math.abs(one - state.get(name)![i])));
      expect({ name, close: difference < 1e-5 }).toEqual({ name, close: true });
    }
    // And the base is another one now.
    expect(model.fingerprint).not.toBe(adapter.base);
  });
});

it('weights have the names of the reference code, with the adapter in them', () => {
  const [model, adapter] = adapted(sam(), 'flap-sam', { rank: 2 });
  const [plain, merged] = [place(), place()];
  exportWeights(model, plain);
  model.use(adapter);
  exportWeights(model, merged);
  const [before, after] = [plain, merged].map((file) => readState(file).state);
  expect([...after.keys()]).toEqual([...before.keys()]);
  expect([...after.keys()]).toContain('image_encoder.blocks.0.attn.qkv.weight');
  const changed = [...after]
    .filter(([name, value]) => !Buffer.from(value.toBytes()).equals(before.get(name)!.toBytes()))
    .map(([name]) => name);
  expect(changed).toContain('image_encoder.blocks.0.attn.qkv.weight');
  expect(changed).toContain('mask_decoder.output_upscaling.0.weight');
  expect(changed).not.toContain('image_encoder.blocks.0.mlp.lin1.weight');
});

it.each([
  ['DoRA', 'lora', { rank: 2, kind: 'dora' }, 'ADAPTER_NO_PRODUCT'],
  ['FacT', 'fact', { rank: 2 }, 'ADAPTER_NO_PRODUCT'],
  ['trained weights alone', 'decoder', {}, 'EXPORT_WITHOUT_FACTORS'],
])('%s has no form in peft, and nothing is written', (_, method, options, expected) => {
  const [model, adapter] = adapted(sam(), method, options);
  const folder = place();
  model.use(adapter);
  expect(() => exportPeft(model, folder)).toThrowError(code(expected));
  expect(existsSync(folder)).toBe(false);
});

it('the command writes both, and replaces nothing', () => {
  const [model, adapter] = adapted(sam(), 'flap-sam', { rank: 2 });
  const [file, beside, folder] = ['model', 'adapter', 'peft'].map((name) => join(root, `${name}.safetensors`));
  saveSegmenter(file, model);
  saveAdapter(beside, adapter);
  const args = ['export', file, '--adapter', beside, '--format', 'peft', '--out', folder, '--json'];
  expect(graft(args).json()).toMatchObject({ adapted: expect.arrayContaining(['image_encoder.blocks.1.attn.qkv']) });
  expect(existsSync(join(folder, 'adapter_model.safetensors'))).toBe(true);
  expect(graft(args).json().error.code).toBe('OUTPUT_EXISTS');
  expect(graft(['export', file, '--format', 'peft', '--out', place(), '--json']).json().error.code).toBe(
    'OPTION_INVALID',
  );
});
