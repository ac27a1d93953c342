/** `graft evaluate` where labels have no mask, and names that are there twice: nothing is passed over in silence. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeVolume } from '../../src/data/index.js';
import { temporaryFolder } from '../dicom/fixtures.js';
import { graft } from './graft.js';

const root = temporaryFolder();
const at = (...names: string[]) => join(root, ...names);
const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
for (const [folder, names] of Object.entries({ masks: ['a', 'b'], labels: ['a', 'b', 'c', 'd'] })) {
  mkdirSync(at(folder));
  for (const name of names) {
    const data = Uint8Array.from({ length: 64 }, (_, i) => (i < 32 ? 1 : 0));
    writeVolume(at(folder, `${name}.nii.gz`), { data, shape: [4, 4, 4], affine });
  }
}
const evaluate = (...more: string[]) => graft(['evaluate', at('masks'), at('labels'), ...more]);
const json = (...more: string[]) => JSON.parse(evaluate(...more, '--json', '--quiet').stdout);

describe('two classes of one name', () => {
  it('are refused wherever classes are named', () => {
    const two = ['--classes', 'a,a'];
    const out = ['--out', at('never.safetensors')];
    for (const args of [
      ['evaluate', at('masks'), at('labels'), ...two],
      ['data', 'check', 'auto', '--root', at('masks'), ...two],
      ['train', at('masks'), '--site', 's', ...two, ...out],
    ]) {
      const { status, stderr } = graft(args);
      expect(stderr, args.join(' ')).toMatch(/classes: a is there twice/);
      expect(status).toBe(2);
    }
  });

  it('nor does a site train twice', () => {
    const { status, stderr } = graft(['train', at('masks'), '--site', 's1,s1']);
    expect(stderr).toMatch(/--site: s1 is there twice/);
    expect(status).toBe(2);
  });
});

describe('a label without a mask', () => {
  it('is an error that names it, unless it is said what it is', () => {
    const { status, stderr } = evaluate();
    expect(status).toBe(3);
    expect(stderr).toMatch(/2 of 4 labels have no mask here: c, d\..*--missing zero/s);
    expect(json().error.code).toBe('LABELS_WITHOUT_MASK');
  });

  it('counts as a mask of nothing, and is named', () => {
    const { cases, summary, missing } = json('--missing', 'zero');
    expect(cases.map(({ name }: { name: string }) => name)).toEqual(['a', 'b', 'c', 'd']);
    expect(cases[2].classes.foreground).toMatchObject({ dice: 0, hausdorff95: null, volumeDifferenceMl: -0.032 });
    expect(summary.classes.foreground.dice).toMatchObject({ count: 4, mean: 0.5 });
    expect(missing).toEqual({ names: ['c', 'd'], as: 'zero' });
    expect(evaluate('--missing', 'zero').stdout).toContain('without a mask, counted as masks of nothing: 2 (c, d)');
  });

  it('is left out, and is named', () => {
    const { cases, summary, missing } = json('--missing', 'skip');
    expect(cases).toHaveLength(2);
    expect(summary.classes.foreground.dice).toMatchObject({ count: 2, mean: 1 });
    expect(missing).toEqual({ names: ['c', 'd'], as: 'skip' });
    expect(evaluate('--missing', 'skip').stdout).toContain('without a mask, left out: 2 (c, d)');
  });
});
