/** A model with adapters: put to use, switched, taken out, merged, and as files. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { referenceOf } from '../../src/adapt/index.js';
import { fingerprint, readState, writeState } from '../../src/nn/index.js';
import {
  type Adapter,
  loadAdapter,
  loadSegmenter,
  profileOfReference,
  saveAdapter,
  saveSegmenter,
} from '../../src/segmenter/index.js';
import { tensor } from '../../src/torch/index.js';
import { errorOf } from '../graft-error.js';
import { unetSegmenter } from '../segmenters.js';
import { outputs, small, trainedAdapter } from './small.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-segmenter-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const { model, target } = small();
const [image] = target;
const base = outputs(model, image);

let adapters: Adapter[];
beforeAll(async () => {
  adapters = [];
  for (const method of ['convlora-adabn', 'udas', 'self-training', 'adabn'] as const)
    adapters.push(await trainedAdapter(model, target, { method, lr: 0.05 }));
});

const distance = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));

/** What the adapter gives on a model loaded anew. */
function alone(adapter: Adapter): Float32Array {
  const fresh = small().model;
  fresh.use(adapter);
  const result = outputs(fresh, image);
  fresh.dispose();
  return result;
}

describe('an adapter in use', () => {
  it('changes the outputs; taken out, they are as before to the bit', () => {
    for (const adapter of adapters) {
      model.use(adapter);
      expect(distance(outputs(model, image), base), adapter.method).toBeGreaterThan(1e-3);
      model.use(undefined);
      expect(outputs(model, image)).toEqual(base);
    }
    expect(fingerprint(model.network.state())).toBe(model.fingerprint);
  });

  it('gives the same after any other as alone', () => {
    const expected = adapters.map(alone);
    for (const order of [
      [0, 1, 2, 3],
      [3, 0, 0, 2, 1],
    ])
      for (const i of order) {
        model.use(adapters[i]);
        expect(outputs(model, image), `${adapters[i].method} in ${order}`).toEqual(expected[i]);
      }
    model.use(undefined);
    expect(outputs(model, image)).toEqual(base);
  });

  it('is refused beside another base, which is left as it was', async () => {
    const other = small({ seed: 2 }).model;
    const before = outputs(other, image);
    const { code, exitCode, message } = errorOf(() => other.use(adapters[0]));
    expect({ code, exitCode }).toEqual({ code: 'ADAPTER_OTHER_BASE', exitCode: 4 });
    expect(message).toContain(model.fingerprint.slice(0, 12));
    expect(message).toContain(other.fingerprint.slice(0, 12));
    expect(outputs(other, image)).toEqual(before);
  });

  it('leaves nothing behind where its values do not fit', () => {
    const [good] = adapters;
    const bad = { ...good, name: 'bad', options: { ...good.options, rank: Number(good.options.rank) + 1 } };
    const names = [...model.network.state().keys()];
    model.use(adapters[1]);
    expect(errorOf(() => model.use(bad)).code).toBe('STATE_SHAPE');
    expect([...model.network.state().keys()]).toEqual(names);
    expect(model.inUse).toBeUndefined();
    expect(outputs(model, image)).toEqual(base);
    model.use(good);
    expect(distance(outputs(model, image), base)).toBeGreaterThan(1e-3);
    model.use(undefined);
  });
});

describe('merging', () => {
  it('keeps the outputs within rounding, without the adapter', () => {
    for (const adapter of adapters) {
      const merged = small().model;
      merged.use(adapter);
      const unmerged = outputs(merged, image);
      merged.merge();
      expect(distance(outputs(merged, image), unmerged), adapter.method).toBeLessThan(1e-4);
      expect(merged.fingerprint).not.toBe(model.fingerprint);
      expect([...merged.network.state().keys()]).toEqual([...model.network.state().keys()]);
      merged.use(undefined);
      expect(distance(outputs(merged, image), unmerged)).toBeLessThan(1e-4);
    }
  });

  it('twice, or without an adapter, is refused', () => {
    const merged = small().model;
    expect(errorOf(() => merged.merge()).code).toBe('ADAPTER_NONE');
    merged.use(adapters[0]);
    merged.merge();
    expect(errorOf(() => merged.merge()).code).toBe('ADAPTER_NONE');
    expect(errorOf(() => merged.use(adapters[0])).code, 'a merged model is another base').toBe('ADAPTER_OTHER_BASE');
  });
});

describe('files', () => {
  it('of adapters give the same bytes and outputs again', () => {
    for (const [i, adapter] of adapters.entries()) {
      saveAdapter(at(`${i}.safetensors`), adapter);
      const loaded = loadAdapter(at(`${i}.safetensors`));
      expect({ ...loaded, name: '', state: fingerprint(loaded.state) }).toEqual({
        ...adapter,
        name: '',
        state: fingerprint(adapter.state),
      });
      saveAdapter(at(`${i}-again.safetensors`), loaded);
      expect(readFileSync(at(`${i}-again.safetensors`))).toEqual(readFileSync(at(`${i}.safetensors`)));
      expect(alone(loaded)).toEqual(alone(adapter));
    }
  });

  it('of models give the same bytes, outputs and reference again', () => {
    model.reference = referenceOf([{ volumeMl: 1, entropy: 0.2, agreement: 0.9 }]);
    saveSegmenter(at('model.safetensors'), model, { seed: '1' });
    const loaded = loadSegmenter(at('model.safetensors'));
    expect(loaded.reference).toEqual(model.reference);
    expect(loaded.preprocessing).toEqual(model.preprocessing);
    expect(loaded.fingerprint).toBe(model.fingerprint);
    expect(fingerprint(loaded.state())).toBe(fingerprint(model.state()));
    expect(outputs(loaded, image)).toEqual(base);
    saveSegmenter(at('model-again.safetensors'), loaded, { seed: '1' });
    expect(readFileSync(at('model-again.safetensors'))).toEqual(readFileSync(at('model.safetensors')));
    loaded.use(loadAdapter(at('0.safetensors')));
    expect(outputs(loaded, image)).toEqual(alone(adapters[0]));
  });

  it('without a profile say what their reference does: volumes of nothing only where the source had them', () => {
    const reference = referenceOf([100, 600, 1100].map((volumeMl) => ({ volumeMl, entropy: 0.2, agreement: 0.9 })));
    const { volumeMl, cases } = profileOfReference(reference);
    expect(cases).toBe(3);
    expect(volumeMl?.low).toBeGreaterThan(50);
    expect(volumeMl?.high).toBeGreaterThan(1100);
    const empty = referenceOf([{ volumeMl: 0, entropy: 900, agreement: 0 }]);
    expect(profileOfReference(empty).volumeMl).toEqual({ low: 0, high: 0 });
  });

  it('keep the names of the classes; files without names read as class 1 and so on', async () => {
    const named = unetSegmenter(
      { inChannels: 1, outChannels: 2, filters: 2 },
      { preprocessing: model.preprocessing, classes: ['Prostata', 'Läsion'] },
    );
    named.initialise(1);
    saveSegmenter(at('named.safetensors'), named);
    expect(loadSegmenter(at('named.safetensors')).classes).toEqual(['Prostata', 'Läsion']);
    const { state, metadata } = readState(at('named.safetensors'));
    // As files were before they named their classes.
    const { classes, family, windows, ...before } = metadata;
    writeState(at('unnamed.safetensors'), state, before);
    expect(loadSegmenter(at('unnamed.safetensors')).classes).toEqual(['class 1', 'class 2']);
    writeState(at('strange.safetensors'), state, { ...metadata, classes: '["one"]' });
    expect(errorOf(() => loadSegmenter(at('strange.safetensors')))).toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringMatching(/strange\.safetensors: .*2 classes beside the background, but 1 are named: one/),
    });

    saveAdapter(at('of-named.safetensors'), { ...adapters[0], classes: ['Prostata'] });
    expect(loadAdapter(at('of-named.safetensors')).classes).toEqual(['Prostata']);
    const adapter = readState(at('of-named.safetensors'));
    const { classes: _, family: __, windows: ___, options, ...older } = adapter.metadata;
    writeState(at('older.safetensors'), adapter.state, { ...older, classes: '2', lora: options });
    expect(loadAdapter(at('older.safetensors')).classes).toEqual(['class 1']);
  });

  it('of the reference code, bare states, load without heads', () => {
    writeState(at('reference.safetensors'), model.network.state());
    const loaded = loadSegmenter(at('reference.safetensors'));
    expect([...loaded.heads]).toEqual([]);
    expect(loaded.fingerprint).toBe(model.fingerprint);
    expect(outputs(loaded, image)).toEqual(base);
  });

  it('that fit nothing are refused with what was found', () => {
    const state = new Map(model.network.state());
    writeState(at('cut.safetensors'), new Map([...state].filter(([name]) => name !== 'shortcut1.bias')));
    expect(errorOf(() => loadSegmenter(at('cut.safetensors')))).toMatchObject({
      code: 'STATE_MISSING',
      message: expect.stringMatching(/has no tensor shortcut1\.bias \(\[4\]\)/),
    });
    writeState(at('wide.safetensors'), new Map([...state, ['down1.0.weight', tensor([1, 2, 3])]]));
    expect(errorOf(() => loadSegmenter(at('wide.safetensors')))).toMatchObject({
      code: 'STATE_SHAPE',
      message: expect.stringMatching(/down1\.0\.weight has shape \[3\]; this network expects \[2\]/),
    });
    writeState(at('other.safetensors'), new Map([['encoder.conv1.weight', tensor([1])]]));
    expect(errorOf(() => loadSegmenter(at('other.safetensors')))).toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringContaining('encoder.conv1.weight'),
    });
    expect(errorOf(() => loadAdapter(at('model.safetensors')))).toMatchObject({
      code: 'ADAPTER_UNKNOWN',
      message: expect.stringContaining('"graft-model"'),
    });
    expect(errorOf(() => loadSegmenter(at('0.safetensors'))).exitCode).toBe(4);
  });

  it('name what is not understood where a file of ours says something else than expected', () => {
    const { model } = small();
    saveSegmenter(at('whole.safetensors'), model);
    const { state, metadata } = readState(at('whole.safetensors'));
    for (const [key, value, message] of [
      ['preprocessing', '{"intensity":{"kind":"tissue"}}', 'preprocessing.intensity.kind'],
      ['preprocessing', '{"axis":', 'preprocessing: is not JSON'],
      ['heads', '[9]', 'heads: no block has the level 9'],
    ]) {
      writeState(at('strange.safetensors'), state, { ...metadata, [key]: value });
      expect(errorOf(() => loadSegmenter(at('strange.safetensors')))).toMatchObject({
        code: 'MODEL_UNKNOWN',
        message: expect.stringContaining(`strange.safetensors: is not a model that graft can use (its ${message}`),
      });
    }
  });
});
