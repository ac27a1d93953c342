/** The commands on a folder of nnU-Net: predict, train a part beside it, share it across sites. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readLabel } from '../../../src/data/index.js';
import { loadAdapter } from '../../../src/segmenter/index.js';
import { graft } from '../../cli/graft.js';
import { folder, scan, segmentation } from './reference.js';

const work = mkdtempSync(join(tmpdir(), 'graft-'));
afterAll(() => rmSync(work, { recursive: true }));
const at = (...names: string[]) => join(work, ...names);
const run = (...args: string[]) => graft([...args, '--json'], { cwd: work });

/** Two sites with three cases each. */
for (const [site, name] of [
  ['north', 'plain'],
  ['south', 'coarse'],
])
  for (const one of ['a', 'b', 'c']) {
    for (const part of ['images', 'labels']) mkdirSync(at('data', site, part), { recursive: true });
    copyFileSync(scan(name), at('data', site, 'images', `${one}.nii.gz`));
    copyFileSync(segmentation(name), at('data', site, 'labels', `${one}.nii.gz`));
  }
const preprocessing = {
  ...{ orientation: 'stored', crop: 'nonzero', resampling: 'spline', spacing: [1, 1], multiple: 1 },
  intensity: { kind: 'z-score', within: 'nonzero' },
};

describe('graft', () => {
  it('predict segments with the folder as it is', () => {
    const { status, stderr, stdout } = run('predict', folder, scan('coarse'), '--out', at('masks'), '--device', 'cpu');
    expect(status, stderr).toBe(0);
    const [{ mask, volumesMl }] = JSON.parse(stdout.trim().split('\n').at(-1)!).masks;
    expect(readLabel(mask).data).toEqual(readLabel(segmentation('coarse')).data);
    expect(Object.keys(volumesMl)).toEqual(['left lobe', 'right lobe']);
  });

  it('params counts the network and its adapters', () => {
    const { status, stderr, json } = run('params', '--model', 'plain-unet', '--base-features', '8', '--stages', '3');
    expect(status, stderr).toBe(0);
    const { total, placements } = json() as { total: number; placements: { blocks: string[]; trained: number }[] };
    expect(total).toBe(29_650);
    expect(placements.map(({ blocks }) => blocks)).toEqual([['encoder'], ['encoder', 'decoder']]);
    expect(placements[1].trained).toBeGreaterThan(placements[0].trained);
  });

  it.each(['norm', 'convlora'])('train changes the part %s beside the folder, and predict uses it', (plan) => {
    const adapter = at(`${plan}.safetensors`);
    const trained = run(
      ...['train', at('data'), '--site', 'north', '--model', 'plain-unet', '--base', folder, '--plan', plan],
      ...['--classes', 'left lobe,right lobe', '--epochs', '1', '--batch', '4', '--no-augment', '--out', adapter],
      ...['--device', 'cpu', '--validation', '0.34'],
    );
    expect(trained.status, trained.stderr).toBe(0);
    const { family, method, preprocessing: own, state } = loadAdapter(adapter);
    expect([family, method]).toEqual(['plain-unet', plan]);
    expect(own).toMatchObject(preprocessing);
    expect([...state.keys()].some((name) => name.endsWith('norm.weight'))).toBe(true);
    const out = at(`${plan}-masks`);
    const predicted = run('predict', folder, scan('plain'), '--adapter', adapter, '--out', out, '--device', 'cpu');
    expect(predicted.status, predicted.stderr).toBe(0);
  });

  it('adapt trains a part without labels beside the folder, and predict uses it', () => {
    const adapter = at('adapted.safetensors');
    const adapted = run(
      ...['adapt', folder, at('data'), '--site', 'south', '--method', 'norm', '--epochs', '1', '--batch', '8'],
      ...['--out', adapter, '--device', 'cpu'],
    );
    expect(adapted.status, adapted.stderr).toBe(0);
    expect(loadAdapter(adapter)).toMatchObject({ family: 'plain-unet', method: 'norm' });
    const out = at('adapted-masks');
    const predicted = run('predict', folder, scan('coarse'), '--adapter', adapter, '--out', out, '--device', 'cpu');
    expect(predicted.status, predicted.stderr).toBe(0);
  });

  it('federate trains it across sites', () => {
    writeFileSync(
      at('recipe.yaml'),
      JSON.stringify({
        data: { root: at('data') },
        classes: ['left lobe', 'right lobe'],
        sites: ['north', 'south'],
        split: { train: 1, validation: 1, test: 1 },
        model: { architecture: 'plain-unet', nnunet: folder, checkpoint: folder },
        preprocessing,
        plans: ['norm'],
        regimes: ['federated'],
        training: { batch: 4, augmentation: null },
        federation: { rounds: 1 },
        device: 'cpu',
        threads: 1,
      }),
    );
    const { status, stderr } = graft(['federate', at('recipe.yaml'), '--out', at('run')], { cwd: work });
    expect(status, stderr).toBe(0);
    const { state } = loadAdapter(at('run/adapters/seed1/norm/federated.safetensors'));
    expect(state.size).toBe(2 * 2 * (4 + 3));
  });
});
