/** The library example of the README, run as it stands. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noteReference } from '../src/adapt/index.js';
import { runWithoutPauses } from '../src/core/index.js';
import { generatePhantoms, loadSlices, preprocessingSchema, readLabel, readVolume, siteOf } from '../src/data/index.js';
import { loadAdapter, saveSegmenter } from '../src/segmenter/index.js';
import { root, runNode } from './child.js';
import { unetSegmenter } from './segmenters.js';

const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))![1];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'graft-readme-'));
  const dataset = generatePhantoms(join(folder, 'data'), {
    scanners: ['siemens-t1', 'philips-t2'],
    cases: 1,
    spacing: 8,
  });
  const preprocessing = preprocessingSchema.parse({ spacing: 8 });
  const model = unetSegmenter({ inChannels: 1, outChannels: 1, filters: 2 }, { preprocessing });
  model.initialise(1);
  const cases = loadSlices(siteOf(dataset, 'siemens-t1').cases, preprocessing, { classes: 2 });
  runWithoutPauses(noteReference(model, cases, 2));
  saveSegmenter(join(folder, 'model.safetensors'), model);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'graft'));
  writeFileSync(join(folder, 'example.mjs'), `process.chdir(${JSON.stringify(folder)});\n${example}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('has fewer than 25 lines', () => {
  expect(example.trim().split('\n').length).toBeLessThan(25);
});

it('adapts, segments and saves', () => {
  const { status, stderr, stdout } = runNode([join(folder, 'example.mjs')]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatch(/step 1 of \d+/);
  expect(loadAdapter(join(folder, 'philips-t2.safetensors')).method).toBe('convlora-adabn');
  const image = readVolume(join(folder, 'data/philips-t2/images/patient01.nii.gz'));
  const mask = readLabel(join(folder, 'mask.nii.gz'));
  expect(existsSync(join(folder, 'mask.nii.gz'))).toBe(true);
  expect([mask.shape, mask.affine]).toEqual([image.shape, image.affine]);
});
