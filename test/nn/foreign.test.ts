/** Checkpoints of other programs: whatever wrapped the network when it was saved, its own names are found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { loadSamCheckpoint, Sam, samConfig } from '../../src/networks/sam/index.js';
import { fingerprint, initialiseModule, type State, unwrap, writeState } from '../../src/nn/index.js';
import { loadSegmenter } from '../../src/segmenter/index.js';
import { tensor } from '../../src/torch/index.js';
import { small } from '../adapt/small.js';
import { errorOf } from '../graft-error.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-foreign-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'checkpoint.safetensors');

const renamed = (state: State, change: (name: string) => string): State =>
  new Map([...state].map(([name, value]) => [change(name), value]));
const wrappers: Record<string, (name: string) => string> = {
  'as it is': (name) => name,
  DataParallel: (name) => `module.${name}`,
  'a compiled module': (name) => `_orig_mod.${name}`,
  Lightning: (name) => `state_dict.model.${name}`,
  'a compiled module in DataParallel in Lightning': (name) => `model.module._orig_mod.${name}`,
  'net.': (name) => `net.${name}`,
  'network.': (name) => `network.${name}`,
  'an attribute of any name': (name) => `unet_of_2021.${name}`,
  'a compiled part': (name) => name.replace('.', '._orig_mod.'),
};
const { model } = small();

describe('the reference U-Net', () => {
  it.each(Object.keys(wrappers))('loads out of %s', (wrapper) => {
    writeState(file, renamed(model.network.state(), wrappers[wrapper]));
    const loaded = loadSegmenter(file);
    expect(fingerprint(loaded.network.state())).toBe(model.fingerprint);
    loaded.dispose();
  });

  it('loads without what else a training module holds', () => {
    const state = renamed(model.network.state(), wrappers.Lightning);
    writeState(file, new Map([...state, ['state_dict.criterion.weight', tensor([1, 2])]]));
    expect(loadSegmenter(file).fingerprint).toBe(model.fingerprint);
  });

  it('is taken from the usual place where averages of it lie beside it, and not guessed otherwise', () => {
    const state = model.network.state();
    const average = renamed(small({ seed: 2 }).model.network.state(), (name) => `ema.${name}`);
    writeState(file, new Map([...average, ...renamed(state, (name) => `model.${name}`)]));
    expect(loadSegmenter(file).fingerprint).toBe(model.fingerprint);
    writeState(file, new Map([...average, ...renamed(state, (name) => `teacher.${name}`)]));
    expect(errorOf(() => loadSegmenter(file))).toMatchObject({
      code: 'CHECKPOINT_SEVERAL',
      message: expect.stringMatching(/2 networks .* ema\., teacher\./),
    });
  });

  it('says what was expected and what was found where the names differ', () => {
    const state = model.network.state();
    writeState(
      file,
      renamed(state, (name) => name.replace('init_path', 'stem')),
    );
    expect(errorOf(() => loadSegmenter(file))).toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringMatching(/its tensors, such as .*down1.*, are of no network among .*init_path\.0\.weight/),
    });
    writeState(
      file,
      renamed(state, (name) => name.replace('shortcut1', 'skip1')),
    );
    expect(errorOf(() => loadSegmenter(file))).toMatchObject({
      code: 'STATE_NAMES',
      message: expect.stringMatching(/expected shortcut1\.\w+.* found skip1\.\w+/),
    });
  });
});

describe('Segment Anything', () => {
  const config = samConfig('sam-tiny', { imageSize: 32 });
  const sam = new Sam(config);
  initialiseModule(sam, 1, 'sam');

  it.each(Object.keys(wrappers))('loads out of %s', (wrapper) => {
    writeState(file, renamed(sam.state(), wrappers[wrapper]));
    const other = new Sam(config);
    expect(loadSamCheckpoint(other, file)).toMatchObject({ fresh: [], unused: [], resized: [] });
    expect(fingerprint(other.state())).toBe(fingerprint(sam.state()));
    other.dispose();
  });

  it('says what was expected and what was found where the names differ', () => {
    writeState(
      file,
      renamed(sam.state(), (name) => name.replace('mask_decoder.transformer', 'mask_decoder.blocks')),
    );
    expect(errorOf(() => loadSamCheckpoint(sam, file))).toMatchObject({
      code: 'SAM_CHECKPOINT_MISSING',
      message: expect.stringMatching(/no tensor mask_decoder\.transformer\..* unknown: mask_decoder\.blocks\./),
    });
  });
});

it('a name that only ends like the landmark is none', () => {
  const state: State = new Map([['my_init_path.0.weight', tensor([1])]]);
  expect(unwrap(state, 'init_path.0.weight', 'x')).toBeUndefined();
});
