/** pretrain, train, predict with Segment Anything, and federations that cannot be: one clear message, nothing left behind. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePrompt } from '../../src/cli/prompt.js';
import { generatePhantoms, readLabel, readVolume, writeVolume } from '../../src/data/index.js';

import { fingerprint } from '../../src/nn/index.js';
import { loadAdapter } from '../../src/segmenter/index.js';
import { recipe } from '../studies/federation/tiny.js';
import { graftAlone, graftUntil, lastLine } from '../studies/tiny.js';
import { graft } from './graft.js';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const sites = ['siemens-t1', 'philips-t2'];
const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const pretrain = (out: string) => {
  const tiny = ['--image-size', '32', '--steps', '4', '--batch', '2', '--epoch', '2', '--device', 'cpu'];
  return ['pretrain', '--out', at(out), ...tiny];
};
const train = (out: string, ...more: string[]) => [
  ...[
    'train',
    at('data'),
    '--model',
    'sam-tiny',
    '--site',
    sites.join(),
    '--out',
    at(out),
    '--base',
    at('base.safetensors'),
  ],
  ...[
    '--image-size',
    '32',
    '--spacing',
    '8',
    '--rank',
    '2',
    '--epochs',
    '2',
    '--batch',
    '2',
    '--no-overlap',
    '--device',
    'cpu',
  ],
  ...['--validation', '0.3', ...more],
];
const image = (site = sites[0]) => at('data', site, 'images', 'patient01.nii.gz');
const done = async (args: string[]) => {
  const ended = await graftUntil(args);
  expect(ended.status, ended.stdout + ended.stderr).toBe(0);
  return lastLine(ended);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-sam-'));
  generatePhantoms(at('data'), { cases: 3, spacing: 8, scanners: ['siemens-t1', 'philips-t2'] });
  writeFileSync(at('recipe.yaml'), recipe);
  expect(graftAlone(pretrain('foundation.safetensors'))).toMatchObject({ status: 0, stderr: '' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('graft pretrain', () => {
  it('ended by Ctrl-C goes on with --resume to the same bits', async () => {
    const ended = await graftUntil(pretrain('again.safetensors'), 'SIGINT', { task: /pretrain/, step: 3 });
    expect(ended.status).toBe(130);
    expect(existsSync(at('again.safetensors'))).toBe(false);
    expect(lastLine(await graftUntil(pretrain('again.safetensors'))).error.code).toBe('CHECKPOINT_EXISTS');
    await done([...pretrain('again.safetensors'), '--resume']);
    expect(readFileSync(at('again.safetensors'))).toEqual(readFileSync(at('foundation.safetensors')));
    expect(readdirSync(folder).filter((name) => /ckpt|tmp$/.test(name))).toEqual([]);
  });
});

describe('graft train with Segment Anything', () => {
  it('makes a base once and an adapter beside it, which predict uses together', async () => {
    const first = await done(train('first.safetensors', '--foundation', at('foundation.safetensors')));
    expect(first.foundation.loaded.length).toBeGreaterThan(100);
    const { profile, classes } = loadAdapter(at('first.safetensors'));
    expect(profile).toMatchObject({ cases: 6, spacingMm: expect.any(Array), distribution: expect.any(Array) });
    expect(profile?.classMl).toHaveLength(classes.length);
    const crop = at('crop.nii.gz');
    writeVolume(crop, { data: Float32Array.from({ length: 27 }, (_, i) => i), shape: [3, 3, 3], affine: identity });
    const ask = ['predict', at('base.safetensors'), '--adapter', at('first.safetensors'), '--device', 'cpu'];
    const known = await done([...ask, at('data', sites[0]), '--out', at('known')]);
    expect(known).toMatchObject({ unchecked: [] });
    expect(known.masks.flatMap(({ warnings }: { warnings: string[] }) => warnings)).toEqual([]);
    const unknown = await done([...ask, crop, '--out', at('unknown')]);
    expect(unknown.masks[0].warnings).toContainEqual(expect.stringContaining('a field of view of 3 mm'));
    expect([first.split.train.length, first.split.validation.length]).toEqual([4, 2]);
    expect(first.scores.on).toBe('2 cases that chose the epoch, which flatters a model');
    expect(readFileSync(at('first.report.html'), 'utf8')).toContain('Training of Segment Anything: flap-sam');
    const second = await done(train('second.safetensors', '--plan', 'lora-decoder', '--lr', '1e-3'));
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(second.trainedParameters).toBeGreaterThan(first.trainedParameters);
    const third = await done(train('third.safetensors', '--init', at('second.safetensors'), '--epochs', '1'));
    expect(third.settings).toMatchObject({ plan: 'lora-decoder', epochs: 1 });
    const { state, provenance } = loadAdapter(at('third.safetensors'));
    expect(provenance.startedFrom).toBe(fingerprint(loadAdapter(at('second.safetensors')).state));
    expect(fingerprint(state)).not.toBe(provenance.startedFrom);
    const use = ['--adapter', at('first.safetensors'), '--out', at('masks'), '--device', 'cpu'];
    const { masks } = await done(['predict', at('base.safetensors'), image(), ...use]);
    const mask = readLabel(masks[0].mask);
    expect(mask.shape).toEqual(readVolume(image()).shape);
    expect(mask.data.every((value) => value <= 1)).toBe(true);
  });

  it('names options that are missing or of the other network', () => {
    const fails = (...args: string[]) => graft([...args, '--json', '--quiet']).json().error.message;
    const none = train('never.safetensors');
    none[none.indexOf('--base') + 1] = at('nobase.safetensors');
    expect(fails(...none)).toMatch(/--foundation is required, since .*nobase\.safetensors is not there/);
    expect(fails(...train('never.safetensors', '--filters', '4'))).toMatch(/--filters is for training a whole network/);
    expect(fails('train', at('data'), '--site', sites[0], '--rank', '4')).toMatch(
      /--rank is for training a part, by a plan/,
    );
    expect(existsSync(at('nobase.safetensors'))).toBe(false);
  });
});

describe('graft predict --prompt', () => {
  it('outlines what is pointed at on its slice alone', async () => {
    const args = ['--prompt', 'point 10,12,8 outside 1,1,8', '--out', at('prompted'), '--device', 'cpu'];
    const { masks } = await done(['predict', at('foundation.safetensors'), image(), ...args]);
    expect(masks[0]).toMatchObject({ slice: 8, iou: expect.any(Number) });
    const { data, shape } = readLabel(masks[0].mask);
    const [, y, x] = shape;
    const slices = new Set([...data].flatMap((value, i) => (value > 0 ? [Math.floor(i / (y * x))] : [])));
    expect([...slices].filter((slice) => slice !== 8)).toEqual([]);
  });

  it('reads points, boxes and millimetres', () => {
    expect(parsePrompt('point 1,2,3 outside 4,5,6  box 0,0,3,9,9,3 mm')).toEqual({
      space: 'mm',
      points: [
        { at: [1, 2, 3], inside: true },
        { at: [4, 5, 6], inside: false },
      ],
      box: { from: [0, 0, 3], to: [9, 9, 3] },
    });
    for (const wrong of [
      'point 1,2',
      'point 1,2,x',
      'pont 1,2,3',
      'box 1,2,3',
      'box 1,2,3,4,5,6 box 1,2,3,4,5,6',
      'point 1,,3',
      '',
    ])
      expect(() => parsePrompt(wrong), wrong).toThrow(/--prompt ".*": /);
  });

  it.each<[string, string[], string]>([
    ['a place outside the volume', ['--prompt', 'point 99,2,3'], 'PROMPT_OUTSIDE'],
    ['two slices', ['--prompt', 'point 3,2,3 point 3,2,4'], 'PROMPT_SLICES'],
    ['two images', [image0(), '--prompt', 'point 3,2,3'], 'OPTION_INVALID'],
    ['no prompt at all', [], 'OPTION_INVALID'],
  ])('refuses %s', (_, more, code) => {
    const args = [
      'predict',
      at('foundation.safetensors'),
      image(),
      ...more.map((one) => (one === image0() ? image(sites[1]).replace('01', '02') : one)),
    ];
    const { json } = graft([...args, '--out', at('nothing'), '--device', 'cpu', '--json', '--quiet']);
    expect(json().error.code).toBe(code);
    expect(existsSync(at('nothing'))).toBe(false);
  });
});

describe('a federation that cannot be', () => {
  /** A data set with one thing spoilt in it. */
  const spoilt = (name: string, spoil: (root: string) => void): string => {
    cpSync(at('data'), at(name), { recursive: true });
    spoil(at(name));
    return at(name);
  };
  const fails = (...more: string[]) => {
    const args = ['federate', at('recipe.yaml'), '--out', at('never'), ...more, '--json', '--quiet'];
    const { status, stdout, stderr } = graft(args);
    expect(stderr).toBe('');
    const { error } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(error, stdout).toBeDefined();
    return { status, ...error } as { status: number; code: string; message: string; hint: string };
  };
  const untouched = () => expect(existsSync(at('never'))).toBe(false);

  it('has a site that is not there, or without cases', () => {
    expect(fails('--data', at('data'), '--set', 'sites=[siemens-t1,philips]')).toMatchObject({
      code: 'DATASET_UNKNOWN_SITE',
      hint: expect.stringContaining('philips-t2'),
    });
    const empty = spoilt('empty', (root) => {
      for (const kind of ['images', 'labels']) rmSync(join(root, sites[1], kind, 'patient01.nii.gz'));
      for (const kind of ['images', 'labels']) rmSync(join(root, sites[1], kind, 'patient02.nii.gz'));
      for (const kind of ['images', 'labels']) rmSync(join(root, sites[1], kind, 'patient03.nii.gz'));
    });
    expect(fails('--data', empty)).toMatchObject({ status: 3, code: 'DATASET_EMPTY_SITE' });
    untouched();
  });

  it('has a site without labels, too few cases, or other classes', () => {
    const label = (root: string) => join(root, sites[1], 'labels', 'patient02.nii.gz');
    const bare = spoilt('bare', (root) => rmSync(label(root)));
    expect(fails('--data', bare)).toMatchObject({ status: 3, code: 'SITE_UNLABELLED' });
    expect(fails('--data', at('data'), '--set', 'split.train=5')).toMatchObject({ status: 3, code: 'SPLIT_TOO_FEW' });
    untouched();
    const other = spoilt('other', (root) => {
      const { data, shape, affine } = readLabel(label(root));
      writeVolume(label(root), { data: data.map((value) => 3 * value), shape, affine });
    });
    expect(fails('--data', other)).toMatchObject({
      ...{ status: 3, code: 'LABEL_OUTSIDE_CLASSES' },
      message: expect.stringContaining(join(sites[1], 'labels', 'patient02.nii.gz')),
    });
    rmSync(at('never'), { recursive: true });
  });

  it('starts from a checkpoint of another size, a truncated one, or none', () => {
    const from = (file: string, ...more: string[]) =>
      fails('--data', at('data'), '--set', `model.checkpoint=${at(file)}`, ...more);
    expect(from('foundation.safetensors', '--set', 'model.architecture=sam-small')).toMatchObject({
      ...{ status: 4, code: expect.stringMatching(/^SAM_CHECKPOINT_/) },
      hint: expect.stringContaining('sam-tiny'),
    });
    cpSync(at('foundation.safetensors'), at('cut.safetensors'));
    truncateSync(at('cut.safetensors'), 100_000);
    expect(from('cut.safetensors')).toMatchObject({ status: 4, message: expect.stringContaining('cut.safetensors') });
    expect(from('absent.safetensors').status).not.toBe(1);
    untouched();
  });

  it('has sizes, sites, plans or targets that do not go together', () => {
    expect(fails('--set', 'model.imageSize=100').message).toMatch(/model\.imageSize: .*multiple of 16/);
    expect(fails('--set', 'sites=[siemens-t1,siemens-t1]').message).toMatch(/siemens-t1 is there twice/);
    expect(fails('--set', 'federation.minSites=3').message).toMatch(/3 sites are needed/);
    expect(fails('--plans', 'lora', '--set', 'adapter.targets=[nothing]').code).toBe('ADAPTER_TARGET');
    expect(fails('--wire', 'int4').status).toBe(2);
    untouched();
  });

  it('has a site whose loss diverges: it stops where too few are left, and nothing is lost', () => {
    const more = ['--regimes', 'federated', '--set', 'training.lr=1.0e+30', '--plans', 'full'];
    const { code, status, message, hint } = fails('--data', at('data'), ...more);
    expect({ code, status }).toEqual({ code: 'TOO_FEW_SITES', status: 3 });
    expect(message).toMatch(/siemens-t1: .*(became|diverge)/i);
    expect(message).not.toMatch(/\.[;)]/);
    // With a setting that diverges, resuming ends the same way.
    expect(hint).toMatch(/learning rate.* new folder/);
    expect(existsSync(at('never', 'models', 'seed1.safetensors'))).toBe(true);
  });
});

/** Stands for a second image in a table that is made before there is a folder. */
function image0(): string {
  return 'SECOND';
}
