/** Bad input: one clear message, the right exit code, and nothing half-written. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { told } from '../../src/cli/run-command.js';
import { generatePhantoms, preprocessingSchema, readVolume, writeVolume } from '../../src/data/index.js';
import { writeState } from '../../src/nn/index.js';
import { saveSegmenter } from '../../src/segmenter/index.js';
import { setThreads, tensor } from '../../src/torch/index.js';
import { unetSegmenter } from '../segmenters.js';
import { recipe } from '../studies/tiny.js';
import { graft } from './graft.js';

setThreads(1);
let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const site = 'siemens-t1';

/** A data set with one thing spoilt in it. */
function spoil(name: string, change: (paths: { image: string; label: string; site: string }) => void): string {
  const root = at(name);
  cpSync(at('data'), root, { recursive: true });
  const path = (kind: string) => join(root, site, kind, 'patient01.nii.gz');
  change({ image: path('images'), label: path('labels'), site: join(root, site) });
  return root;
}

/** What the command says; it must be one error document, no progress aside, and no stack trace. */
function fails(args: string[]): { status: number | null; code: string; message: string; hint: string } {
  const before = readdirSync(folder, { recursive: true }).sort();
  const { status, stdout, stderr } = graft([...args, '--json', '--quiet']);
  expect(stderr).toBe('');
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(1);
  const { error } = JSON.parse(lines[0]);
  expect(error, stdout).toBeDefined();
  expect(error.message).not.toContain('\n');
  expect(readdirSync(folder, { recursive: true }).sort(), 'nothing is left behind').toEqual(before);
  return { status, ...error };
}

const train = (data: string) => {
  const tiny = ['--filters', '2', '--epochs', '1', '--head-epochs', '1', '--spacing', '8', '--device', 'cpu'];
  return fails(['train', data, '--site', site, '--out', at('never.safetensors'), ...tiny]);
};
const adapt = (model: string, ...more: string[]) =>
  fails(['adapt', model, at('data'), '--site', site, '--out', at('never.safetensors'), '--device', 'cpu', ...more]);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'graft-bad-'));
  generatePhantoms(at('data'), { cases: 2, spacing: 8, scanners: [site, 'philips-t2'] });
  const preprocessing = preprocessingSchema.parse({ spacing: 8, size: [32, 32] });
  const model = unetSegmenter({ inChannels: 1, outChannels: 1, filters: 2 }, { preprocessing });
  model.initialise(1);
  saveSegmenter(at('model.safetensors'), model);
  writeState(at('reference.safetensors'), model.network.state());
  writeFileSync(at('tiny.yaml'), recipe);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a data set', () => {
  it('that is not there', () => {
    expect(train(at('nowhere'))).toMatchObject({ status: 3, code: 'DATASET_NOT_FOUND' });
  });

  it('without sites, or with an empty one', () => {
    mkdirSync(at('bare/notes'), { recursive: true });
    expect(train(at('bare'))).toMatchObject({ status: 3, code: 'DATASET_NO_SITES' });
    const empty = spoil('empty', ({ site }) => {
      for (const kind of ['images', 'labels']) {
        rmSync(join(site, kind), { recursive: true });
        mkdirSync(join(site, kind));
      }
    });
    expect(train(empty)).toMatchObject({
      status: 3,
      code: 'DATASET_EMPTY_SITE',
      message: expect.stringContaining(join('empty', site, 'images')),
    });
  });

  it('whose site is misspelt suggests the nearest', () => {
    const result = fails(['train', at('data'), '--site', 'simens-t1', '--out', at('never.safetensors')]);
    expect(result).toMatchObject({ status: 2, code: 'DATASET_UNKNOWN_SITE', hint: expect.stringContaining(site) });
    const wrong = ['adapt', at('model.safetensors'), at('data'), '--site', 'philips', '--out', at('never.safetensors')];
    expect(fails(wrong)).toMatchObject({ status: 2, hint: expect.stringContaining('philips-t2') });
  });

  it('without labels, or with some of them, is not trained on', () => {
    const unlabelled = spoil('unlabelled', ({ site }) => rmSync(join(site, 'labels'), { recursive: true }));
    expect(train(unlabelled)).toMatchObject({ status: 3, code: 'TRAINING_UNLABELLED' });
    const partly = spoil('partly', ({ label }) => rmSync(label));
    expect(train(partly)).toMatchObject({
      status: 3,
      message: expect.stringMatching(/1 of 2 cases have none, the first is .*patient01/),
    });
  });
});

describe('a volume', () => {
  const rewrite = (path: string, change: (data: Float32Array) => void) => {
    const { data, shape, affine } = readVolume(path);
    const copy = Float32Array.from(data);
    change(copy);
    writeVolume(path, { data: copy, shape, affine });
  };

  it.each<[string, Parameters<typeof spoil>[1], string, RegExp]>([
    ['constant', ({ image }) => rewrite(image, (data) => data.fill(7)), 'VOLUME_CONSTANT', /patient01/],
    [
      'not a number',
      ({ image }) => rewrite(image, (data) => data.fill(Number.NaN, 5, 6)),
      'VOLUME_NOT_FINITE',
      /patient01.*found 1 that/,
    ],
    [
      'cut short',
      ({ image }) => writeFileSync(image, readFileSync(image).subarray(0, 3000)),
      'NIFTI_TRUNCATED',
      /patient01/,
    ],
    ['empty', ({ image }) => writeFileSync(image, ''), 'NIFTI_EXPECTED', /patient01/],
    [
      'of another grid than its label',
      ({ label }) => {
        const { data, shape, affine } = readVolume(label);
        const [z, y, x] = shape;
        writeVolume(label, { data: data.subarray(0, (z - 1) * y * x), shape: [z - 1, y, x], affine });
      },
      'GRID_MISMATCH',
      /labels.*patient01/,
    ],
    [
      'whose label has a class too many',
      ({ label }) =>
        rewrite(label, (data) => {
          data[100] = 3;
        }),
      'LABEL_OUTSIDE_CLASSES',
      /1 voxels have the value 3; expected values from 0 to 1/,
    ],
    [
      'whose label has halves',
      ({ label }) =>
        rewrite(label, (data) => {
          data[100] = 0.5;
        }),
      'LABEL_VALUE',
      /found 0\.5/,
    ],
  ])('%s', (name, change, code, message) => {
    const root = spoil(`volume ${name}`, change);
    expect(train(root)).toMatchObject({ status: 3, code, message: expect.stringMatching(message) });
  });

  it('that predict cannot use leaves no mask', () => {
    const image = at('noise.nii.gz');
    writeFileSync(image, Buffer.from('no volume'));
    const result = fails(['predict', at('model.safetensors'), image, '--out', at('masks'), '--device', 'cpu']);
    expect(result).toMatchObject({ status: 3, message: expect.stringContaining('noise.nii.gz') });
    expect(fails(['predict', at('model.safetensors'), at('gone.nii.gz'), '--out', at('masks')])).toMatchObject({
      status: 3,
      code: 'VOLUME_UNREADABLE',
    });
  });
});

describe('a path', () => {
  const image = () => at('data', site, 'images', 'patient01.nii.gz');
  const model = () => at('model.safetensors');
  const tiny = ['--filters', '2', '--epochs', '1', '--head-epochs', '1', '--spacing', '8', '--device', 'cpu'];

  it.each([
    ['through a file', () => join(image(), 'x.safetensors')],
    ['of a file that ends as a folder’s', () => `${image()}/`],
    ['that is too long', () => at(`${'x'.repeat(300)}.nii.gz`)],
  ])('%s is named as a mistake, not as a defect', (_, path) => {
    for (const args of [
      ['predict', model(), path(), '--out', at('never')],
      ['predict', path(), image(), '--out', at('never')],
      ['page', path()],
    ]) {
      const { code, message } = fails(args);
      expect(code).not.toBe('INTERNAL');
      expect(message).toContain(path());
    }
    const command = ['--site', site, '--out', `${path()}x.safetensors`];
    for (const args of [
      ['train', at('data'), ...command, ...tiny],
      ['adapt', model(), at('data'), ...command],
    ])
      expect(fails(args)).toMatchObject({ status: 6, code: 'WRITE_FAILED' });
  });

  it('of a file is no folder to write into', () => {
    const taken = at('reference.safetensors');
    expect(fails(['predict', model(), image(), '--out', taken])).toMatchObject({ status: 2, code: 'OUT_NOT_FOLDER' });
    expect(fails(['data', 'deidentify', at('data'), taken])).toMatchObject({ status: 2, code: 'DEIDENTIFY_OUT' });
  });

  it('of a single volume is one to inspect', () => {
    const { status, stdout } = graft(['data', 'inspect', image(), '--sheet', 'none', '--json', '--quiet']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).cases).toMatchObject([{ site: 'images', name: 'patient01', faults: [] }]);
    expect(fails(['data', 'inspect', at('tiny.yaml'), '--sheet', 'none'])).toMatchObject({ status: 3 });
  });

  it('that only shows while it is used is a mistake, too', () => {
    const error = Object.assign(new Error('ENOTDIR: not a directory'), { code: 'ENOTDIR', path: 'a/b' });
    expect(told(error)).toMatchObject({ code: 'PATH_UNUSABLE', message: expect.stringContaining('a/b') });
  });
});

describe('what the machine or a family refuses is no defect', () => {
  it.each([
    [{ code: 'EADDRNOTAVAIL' }, 'listen EADDRNOTAVAIL: address not available 8.8.8.8', 'REFUSED'],
    [{ code: 'ENOTFOUND' }, 'getaddrinfo ENOTFOUND 256.1.1.1', 'REFUSED'],
    [{}, "aten::zeros(): DefaultCPUAllocator: can't allocate memory: you tried to allocate 36 bytes", 'MEMORY_SHORT'],
    [{}, 'aten::cat(): CUDA out of memory. Tried to allocate 2.00 GiB.', 'MEMORY_SHORT'],
    [{}, 'Array buffer allocation failed', 'MEMORY_SHORT'],
  ])('%j %s', (more, message, code) => {
    expect(told(Object.assign(new Error(message), more))).toMatchObject({ code, exitCode: 6 });
  });

  it('and params counts any rank, and names blocks that are none', () => {
    expect(fails(['params', '--blocks', 'nope'])).toMatchObject({
      status: 2,
      code: 'OPTION_INVALID',
      message: expect.stringContaining('--blocks'),
    });
    expect(graft(['params', '--rank', '1000000000']).status).toBe(0);
  });
});

describe('a model', () => {
  it('that is no model at all', () => {
    writeFileSync(at('page.safetensors'), '<!doctype html><title>Not found</title>');
    expect(adapt(at('page.safetensors'))).toMatchObject({ status: 4, code: 'CHECKPOINT_UNKNOWN' });
    expect(adapt(at('gone.safetensors')).message).toContain('gone.safetensors');
    writeFileSync(at('cut.safetensors'), readFileSync(at('model.safetensors')).subarray(0, 50_000));
    expect(adapt(at('cut.safetensors'))).toMatchObject({ status: 4, message: expect.stringContaining('cut') });
  });

  it('of another network names the first tensor that does not fit', () => {
    writeState(at('other.safetensors'), new Map([['encoder.conv1.weight', tensor([1, 2])]]));
    expect(adapt(at('other.safetensors'))).toMatchObject({
      status: 4,
      code: 'MODEL_UNKNOWN',
      message: expect.stringContaining('encoder.conv1.weight'),
    });
    const state = unetSegmenter({ inChannels: 1, outChannels: 1, filters: 2 }).network.state();
    const shape = state.get('down2.1.weight')!.shape;
    const wide = tensor(new Float32Array(3 * 5 * 2 * 2), [3, 5, 2, 2]);
    writeState(at('wide.safetensors'), new Map([...state, ['down2.1.weight', wide]]));
    expect(adapt(at('wide.safetensors'))).toMatchObject({
      status: 4,
      code: 'STATE_SHAPE',
      message: expect.stringContaining(
        `down2.1.weight has shape [3, 5, 2, 2]; this network expects [${shape.join(', ')}]`,
      ),
    });
  });

  it('without early heads cannot be adapted by a method that needs one', () => {
    const result = adapt(at('reference.safetensors'));
    expect(result).toMatchObject({ status: 4, code: 'HEAD_MISSING' });
    expect(result.message).toMatch(/convlora-adabn needs an early head at down3 or deeper; the model has none/);
  });

  it('is no adapter, and an adapter no model', () => {
    const image = at('data', site, 'images', 'patient01.nii.gz');
    const swapped = [at('model.safetensors'), image, '--adapter', at('model.safetensors'), '--out', at('masks')];
    expect(fails(['predict', ...swapped])).toMatchObject({ status: 4, code: 'ADAPTER_UNKNOWN' });
  });

  it('whose blocks the loss would not reach is not adapted', () => {
    const result = adapt(at('model.safetensors'), '--blocks', 'up1');
    expect(result).toMatchObject({ status: 2, code: 'BLOCKS_UNREACHED' });
  });
});

describe('graft run', () => {
  it('does not go on where a target has no labels to score with', () => {
    const unlabelled = spoil('unscored', ({ site }) => rmSync(join(site, '../philips-t2/labels/patient02.nii.gz')));
    expect(run('--data', unlabelled)).toMatchObject({
      status: 3,
      code: 'SITE_UNLABELLED',
      message: expect.stringMatching(/philips-t2 has no label for patient02, which scoring needs/),
    });
  });

  const run = (...more: string[]) => {
    return fails(['run', at('tiny.yaml'), '--out', at('run'), ...more]);
  };

  it.each<[string[], number, string]>([
    [['--set', 'seeds=[1'], 2, 'OPTION_INVALID'],
    [['--set', 'seeds'], 2, 'OPTION_INVALID'],
    [['--set', 'trainin.epochs=1'], 2, 'RECIPE_UNKNOWN_KEY'],
    [['--set', 'training.epochs=many'], 2, 'RECIPE_INVALID'],
    [['--set', 'data={}'], 2, 'RECIPE_NO_DATA'],
    [['--data', 'nowhere'], 3, 'DATASET_NOT_FOUND'],
    [['--set', 'device=tpu'], 5, 'DEVICE_MISSING'],
    [['--data', 'HERE', '--set', 'source=siemens'], 2, 'DATASET_UNKNOWN_SITE'],
    [['--data', 'HERE', '--set', 'split.source.train=9'], 3, 'SPLIT_TOO_FEW'],
  ])('%j starts nothing', (more, status, code) => {
    expect(run(...more.map((text) => (text === 'HERE' ? at('data') : text)))).toMatchObject({ status, code });
  });
});

const mounted = (() => {
  const place = mkdtempSync(join(tmpdir(), 'graft-full-'));
  const works = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', place]).status === 0;
  afterAll(() => {
    if (works) spawnSync('umount', [place]);
    rmSync(place, { recursive: true, force: true });
  });
  return works ? place : undefined;
})();

describe.skipIf(!mounted)('a full disk (skipped where no tmpfs can be mounted)', () => {
  it('ends with 6 and leaves nothing half-written', () => {
    const tiny = ['--filters', '2', '--epochs', '1', '--head-epochs', '1', '--spacing', '8', '--device', 'cpu'];
    const args = ['train', at('data'), '--site', site, '--out', join(mounted!, 'model.safetensors'), ...tiny];
    const result = fails(args);
    expect(result).toMatchObject({ status: 6, code: 'WRITE_FAILED', message: expect.stringContaining('disk is full') });
    expect(readdirSync(mounted!)).toEqual([]);
  });
});
