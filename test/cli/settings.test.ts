/** What a recipe can set, train and adapt can set: by option, by --set and from the recipe itself. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { asOption } from '../../src/cli/settings.js';
import { generatePhantoms } from '../../src/data/index.js';
import { fingerprint, readState } from '../../src/nn/index.js';
import { loadAdapter, loadSegmenter } from '../../src/segmenter/index.js';
import { adaptSettingsSchema, readSettings, sourceSettingsSchema } from '../../src/studies/index.js';
import { errorOf } from '../graft-error.js';
import { graftUntil, lastLine, recipe } from '../studies/tiny.js';
import { graft } from './graft.js';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const done = async (...args: string[]) => {
  const ended = await graftUntil(args);
  expect(ended.status, ended.stdout + ended.stderr).toBe(0);
  return lastLine(ended);
};
const settingsIn = (file: string) => JSON.parse(readState(at(file)).metadata.settings);
const refused = (...args: string[]) => {
  const { status, json } = graft([...args, '--json', '--quiet']);
  expect(status).toBe(2);
  return json().error;
};
const train = (...more: string[]) => ['train', at('data'), ...more];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'graft-settings-'));
  generatePhantoms(at('data'), { seed: 1, cases: 3, spacing: 8, scanners: ['siemens-t1', 'philips-t2'] });
  writeFileSync(at('recipe.yaml'), recipe);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('graft train --recipe', () => {
  it('trains the network that "graft run" trains with the recipe, and keeps its settings in the file', async () => {
    const wanted = ['--data', at('data'), '--out', at('run'), '--set', 'methods=[source]'];
    await done('run', at('recipe.yaml'), ...wanted);
    const { fingerprint, split } = await done(
      ...train('--recipe', at('recipe.yaml'), '--out', at('same.safetensors'), '--device', 'cpu'),
    );
    expect(loadSegmenter(at('run', 'models', 'seed1.safetensors')).fingerprint).toBe(fingerprint);
    expect([split.train.length, split.validation.length, split.test.length]).toEqual([1, 1, 1]);
    expect(settingsIn('same.safetensors')).toMatchObject({
      classes: ['brain'],
      architecture: { filters: 2 },
      preprocessing: { spacing: 8, size: [32, 32] },
      training: { epochs: 2, headEpochs: 2, augmentation: { contrast: 0 } },
    });
  });

  it('is overruled by options, and both by --set', async () => {
    const overruled = ['--size', '16,24', '--intensity', 'histogram', '--contrast', '0.5', '--epochs', '3'];
    const set = ['--set', 'training.epochs=1', '--set', 'training.headEpochs=1', '--set', 'preprocessing.axis=coronal'];
    const file = ['--recipe', at('recipe.yaml'), '--out', at('other.safetensors'), '--device', 'cpu'];
    await done(...train(...file, ...overruled, ...set));
    const { preprocessing } = loadSegmenter(at('other.safetensors'));
    expect(preprocessing).toMatchObject({
      size: [16, 24],
      intensity: { kind: 'histogram' },
      axis: 'coronal',
      spacing: 8,
    });
    expect(settingsIn('other.safetensors').training).toMatchObject({
      epochs: 1,
      headEpochs: 1,
      augmentation: { contrast: 0.5 },
    });
  });

  it('refuses a recipe for another network', () => {
    writeFileSync(at('federation.yaml'), 'sites: [siemens-t1]\n');
    const error = refused(...train('--model', 'unet2d', '--recipe', at('federation.yaml')));
    expect(error).toMatchObject({
      code: 'RECIPE_OTHER_NETWORK',
      message: expect.stringContaining('a part of a network, by a plan'),
    });
  });
});

describe('--set', () => {
  const setting = (schema: Parameters<typeof readSettings>[0], command: string, key: string, value: unknown) =>
    errorOf(() => readSettings(schema, {}, { [key]: value }, command));

  it.each([
    ['trainig.epochs', 2, 'RECIPE_UNKNOWN_KEY', /the key trainig is unknown; did you mean training\?/],
    ['training.epoch', 2, 'RECIPE_UNKNOWN_KEY', /training\.epoch is unknown; did you mean epochs\?/],
    ['training.epochs', 'many', 'RECIPE_INVALID', /training\.epochs: .*expected number, received string/],
    ['preprocessing.size', [30, 30], 'RECIPE_INVALID', /preprocessing\.size: both sides .* multiples/],
    ['methods', ['source'], 'SETTING_ELSEWHERE', /methods: is no setting of graft train/],
  ])('of train refuses %s: %s with %s', (key, value, code, message) => {
    const error = setting(sourceSettingsSchema, 'graft train', key, value);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('of adapt says that the model brings its preprocessing', () => {
    const error = setting(adaptSettingsSchema, 'graft adapt', 'preprocessing.size', [8, 8]);
    const hint = expect.stringMatching(/The model brings its own.*graft train/);
    expect(error).toMatchObject({ code: 'SETTING_ELSEWHERE', hint });
  });

  it('is read before anything is written', () => {
    const site = ['--site', 'siemens-t1', '--out', at('never.safetensors')];
    expect(refused(...train(...site, '--set', 'training.epochs'))).toMatchObject({ code: 'OPTION_INVALID' });
    expect(existsSync(at('never.safetensors'))).toBe(false);
  });
});

describe('graft adapt', () => {
  it('takes a method’s settings from a recipe, overrules them, and keeps what it used in the adapter', async () => {
    const small = ['--filters', '2', '--size', '32,32', '--spacing', '8', '--epochs', '1', '--head-epochs', '1'];
    const base = ['--site', 'siemens-t1', '--out', at('base.safetensors'), '--device', 'cpu', ...small];
    await done(...train(...base));
    const more = [
      '--recipe',
      at('recipe.yaml'),
      '--set',
      'epochs=1',
      '--rank',
      '1',
      '--tolerance',
      '4',
      '--device',
      'cpu',
    ];
    const target = ['--site', 'philips-t2', '--out', at('adapter.safetensors')];
    await done('adapt', at('base.safetensors'), at('data'), ...target, ...more);
    const settings = JSON.parse(loadAdapter(at('adapter.safetensors')).provenance.settings);
    const fromRecipe = { method: 'convlora-adabn', statistics: 'ema', batch: 8, lr: 0.01, guard: false };
    expect(settings).toMatchObject({ ...fromRecipe, epochs: 1, rank: 1, toleranceMm: 4 });
  });
});

describe('help', () => {
  it.each([
    ['train', '--filters', '--foundation'],
    ['params', '--filters', '--image-size'],
  ])('of %s shows the options of each network by themselves, common ones first', (command, ofUNet, ofSam) => {
    const { stdout } = graft([command, '--help']);
    const [first, unet, sam] = stdout.split(/^Options for .*:$/m);
    expect(first).toContain('--model');
    for (const option of [ofUNet, ofSam]) expect(first).not.toContain(option);
    expect(unet).toContain(ofUNet);
    expect(sam).toContain(ofSam);
  });
});

describe('an inspection’s advice', () => {
  it.each([
    ['preprocessing.axis: coronal', '--axis coronal'],
    ['preprocessing.spacing: 0.94', '--spacing 0.94'],
    ['preprocessing.size: [192, 256]', '--size 192,256'],
    ['preprocessing.intensity: { kind: min-max }', '--intensity min-max'],
    [
      'preprocessing.intensity: { kind: window, low: -160, high: 240 }',
      "--set 'preprocessing.intensity={ kind: window, low: -160, high: 240 }'",
    ],
    ['classes: [left part, right]', "--classes 'left part,right'"],
  ])('"%s" is %s on the command line', (line, option) => {
    expect(asOption(line)).toBe(option);
  });
});

describe('going on from what is finished', () => {
  const short = ['--epochs', '1', '--head-epochs', '1', '--device', 'cpu'];

  it('starts a training from a model, as which it remains where nothing is asked for', async () => {
    const { fingerprint } = loadSegmenter(at('base.safetensors'));
    const out = ['--site', 'philips-t2', '--init', at('base.safetensors'), '--out', at('more.safetensors')];
    await done(...train(...out, ...short, '--lr', '1e-9', '--set', 'training.augmentation=null'));
    const { metadata, state } = readState(at('more.safetensors'));
    expect(metadata).toMatchObject({ startedFrom: fingerprint, source: 'philips-t2' });
    expect(settingsIn('more.safetensors')).toMatchObject({
      architecture: { filters: 2 },
      preprocessing: { size: [32, 32] },
    });
    // At such a learning rate the weights are still those of the start.
    const weight = 'network.init_path.0.weight';
    const [now, before] = [state, readState(at('base.safetensors')).state].map((one) => [
      ...one.get(weight)!.toArray(),
    ]);
    for (const [i, value] of now.entries()) expect(value).toBeCloseTo(Number(before[i]), 5);
    expect(refused(...train(...out.with(-1, at('no.safetensors')), ...short, '--filters', '4'))).toMatchObject({
      code: 'INIT_UNSUITED',
      message: expect.stringContaining('filters: 2 in the model, 4 now'),
    });
  });

  it('starts an adaptation from an adapter, which is looked at and recorded', async () => {
    const from = [
      'adapt',
      at('base.safetensors'),
      at('data'),
      '--site',
      'philips-t2',
      '--start',
      at('adapter.safetensors'),
    ];
    const more = ['--batch', '4', '--epochs', '1', '--device', 'cpu', '--no-guard', '--out'];
    const { looks, settings } = await done(...from, ...more, at('further.safetensors'));
    expect(looks.map(({ candidate }: { candidate: unknown }) => candidate)).toEqual([
      'source',
      'start',
      'statistics',
      1,
    ]);
    expect(settings.rank).toBe(1);
    const { provenance } = loadAdapter(at('further.safetensors'));
    expect(provenance.startedFrom).toBe(fingerprint(loadAdapter(at('adapter.safetensors')).state));
    expect(refused(...from, ...more, at('no.safetensors'), '--rank', '4')).toMatchObject({ code: 'START_UNSUITED' });
    expect(existsSync(at('no.safetensors'))).toBe(false);
  });
});
