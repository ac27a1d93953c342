/** A model with adapters: put to use, taken out, merged, and as files. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preprocessingSchema } from '../../src/data/index.js';

import { fingerprint, readState, writeState } from '../../src/nn/index.js';
import {
  type Adapter,
  loadAdapter,
  loadFoundation,
  loadSegmenter,
  type Segmenter,
  saveAdapter,
  saveSegmenter,
} from '../../src/segmenter/index.js';
import { tensor } from '../../src/torch/index.js';
import { errorOf } from '../graft-error.js';
import { samSegmenter } from '../segmenters.js';
import { architecture, cases, probabilitiesOf, run, small } from './small.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-sam-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const [one] = cases('a');
const outputs = (model: Segmenter) => probabilitiesOf(model, one.images);
const distance = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));

const model = small();
const base = outputs(model);
const adapters = new Map<string, Adapter>();
beforeAll(async () => {
  for (const plan of ['flap-sam', 'full', 'ma-sam'] as const) {
    const adapter = { rank: 2, slices: 3 };
    const { end } = await run(model, { training: [one] }, { plan, adapter, lr: 0.02, epochs: 1 });
    adapters.set(plan, end.adapter);
  }
});

describe('an adapter in use', () => {
  it('changes the outputs; taken out, they are as before to the bit', () => {
    for (const plan of ['flap-sam', 'ma-sam', 'flap-sam', 'full'] as const) {
      model.use(adapters.get(plan));
      expect(distance(outputs(model), base), plan).toBeGreaterThan(1e-3);
    }
    model.use(undefined);
    expect(outputs(model)).toEqual(base);
    expect(fingerprint(model.network.state())).toBe(model.fingerprint);
  });

  it('is refused beside another base', () => {
    const other = small({ seed: 2 });
    expect(errorOf(() => other.use(adapters.get('flap-sam')))).toMatchObject({
      code: 'ADAPTER_OTHER_BASE',
      exitCode: 4,
    });
  });

  it('brings its own preparation', () => {
    const adapter = adapters.get('flap-sam')!;
    model.use({ ...adapter, windows: { slices: 1, scaling: 'window' } });
    expect(model.windows).toEqual({ slices: 1, scaling: 'window' });
    model.use(undefined);
    expect(model.windows).toEqual({ slices: 3, scaling: 'volume' });
  });

  it('becomes part of the base for good by merging, where it can', () => {
    const merged = small();
    merged.use(adapters.get('ma-sam'));
    expect(errorOf(() => merged.merge()).code).toBe('ADAPTER_UNMERGEABLE');
    merged.use(adapters.get('flap-sam'));
    const unmerged = outputs(merged);
    merged.merge();
    expect(distance(outputs(merged), unmerged)).toBeLessThan(1e-4);
    expect([...merged.network.state().keys()]).toEqual([...model.network.state().keys()]);
    expect(merged.fingerprint).not.toBe(model.fingerprint);
    expect(errorOf(() => merged.merge()).code).toBe('ADAPTER_NONE');
  });
});

describe('files', () => {
  it('of adapters give the same bytes and outputs again', () => {
    for (const [plan, adapter] of adapters) {
      saveAdapter(at(`${plan}.safetensors`), adapter);
      const loaded = loadAdapter(at(`${plan}.safetensors`));
      expect({ ...loaded, name: '', state: 0 }).toEqual({ ...adapter, name: '', state: 0 });
      saveAdapter(at('again.safetensors'), loaded);
      expect(readFileSync(at('again.safetensors'))).toEqual(readFileSync(at(`${plan}.safetensors`)));
      const fresh = small();
      fresh.use(loaded);
      model.use(adapter);
      expect(outputs(fresh)).toEqual(outputs(model));
      model.use(undefined);
    }
  });

  it('of models give the same bytes and outputs again', () => {
    saveSegmenter(at('model.safetensors'), model, { seed: '1' });
    const loaded = loadSegmenter(at('model.safetensors'));
    expect([loaded.classes, loaded.preprocessing, loaded.windows]).toEqual([
      ['core', 'rim'],
      model.preprocessing,
      model.windows,
    ]);
    expect(loaded.fingerprint).toBe(model.fingerprint);
    expect(outputs(loaded)).toEqual(base);
    saveSegmenter(at('model-again.safetensors'), loaded, { seed: '1' });
    expect(readFileSync(at('model-again.safetensors'))).toEqual(readFileSync(at('model.safetensors')));
  });

  it('of models are foundations for other classes and image sizes', () => {
    const foundation = small({ classes: [] });
    saveSegmenter(at('foundation.safetensors'), foundation);
    const larger = { ...architecture, imageSize: 64, classes: 1 };
    const tuned = samSegmenter(larger, { classes: ['organ'] });
    tuned.initialise(3);
    const before = tuned.fingerprint;
    const report = loadFoundation(tuned, at('foundation.safetensors'));
    expect(report.resized).toContain('image_encoder.pos_embed');
    expect(report.loaded).toContain('mask_decoder.output_upscaling.3.weight');
    expect(report.fresh).toContain('mask_decoder.mask_tokens.weight');
    expect(tuned.fingerprint).not.toBe(before);
  });

  it('that are something else are refused, saying what they are', () => {
    writeState(at('other.safetensors'), new Map([['x', tensor([1])]]), { format: 'else' });
    expect(errorOf(() => loadSegmenter(at('other.safetensors')))).toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringContaining('"else"'),
    });
    expect(errorOf(() => loadAdapter(at('model.safetensors')))).toMatchObject({
      code: 'ADAPTER_UNKNOWN',
      message: expect.stringContaining('"graft-model"'),
    });
    const { state, metadata } = readState(at('model.safetensors'));
    const preprocessing = JSON.stringify(preprocessingSchema.parse({ size: [48, 48], multiple: 16 }));
    writeState(at('sizes.safetensors'), state, { ...metadata, preprocessing });
    expect(errorOf(() => loadSegmenter(at('sizes.safetensors')))).toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringMatching(/sizes\.safetensors: .*slices of 48 x 48 pixels/),
    });
    const spoilt = { format: 'graft-sam', architecture: '{', classes: '[]', preprocessing: '{}', windows: '{}' };
    writeState(at('spoilt.safetensors'), new Map([['x', tensor([1])]]), spoilt);
    expect(errorOf(() => loadSegmenter(at('spoilt.safetensors'))).code).toBe('MODEL_UNKNOWN');
  });
});

describe('a model', () => {
  it('makes slices of the size of its images', () => {
    expect(small().preprocessing).toMatchObject({ size: [32, 32], multiple: 16 });
    const preprocessing = preprocessingSchema.parse({ size: [48, 48], multiple: 16 });
    const parts = { classes: ['core', 'rim'], preprocessing };
    expect(errorOf(() => samSegmenter(architecture, parts))).toMatchObject({
      code: 'SLICE_SIZE',
      message: expect.stringContaining('48 x 48'),
    });
  });

  it('names as many classes as it has masks', () => {
    expect(errorOf(() => samSegmenter(architecture, { classes: ['core'] })).code).toBe('CLASS_NAMES');
  });
});
