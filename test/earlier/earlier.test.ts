/** Models, adapters and runs that earlier versions wrote are read, and predict what they predicted. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readLabel } from '../../src/data/index.js';
import { readState } from '../../src/nn/index.js';
import { loadAdapter, loadSegmenter, saveAdapter, saveSegmenter } from '../../src/segmenter/index.js';
import { root } from '../child.js';
import { graft } from '../cli/graft.js';
import { newFolder } from '../new-folder.js';

const files = join(root, 'test/earlier/files');
const folder = newFolder();
const unzipped = (name: string) => {
  const path = join(folder, name);
  writeFileSync(path, gunzipSync(readFileSync(join(files, `${name}.gz`))));
  return path;
};
const unet = join(files, 'run/models/seed1.safetensors');
const sam = unzipped('sam.safetensors');
const cases: [name: string, model: string, adapter?: string][] = [
  ['unet', unet],
  ['unet-adabn', unet, join(files, 'run/adapters/seed1/lowfield-t1/adabn.safetensors')],
  ['unet-convlora-adabn', unet, unzipped('unet-convlora-adabn.safetensors')],
  ['sam', sam],
  ...['sam-lora', 'sam-flap-sam', 'sam-ma-sam'].map((name): [string, string, string] => [
    name,
    sam,
    unzipped(`${name}.safetensors`),
  ]),
];

/** Labels of a mask, by graft's own reader. */
const labelsOf = (path: string) => readLabel(path).data;

function predicted(name: string, model: string, adapter?: string): Uint8Array {
  const out = join(folder, name);
  mkdirSync(out, { recursive: true });
  const options = adapter === undefined ? [] : ['--adapter', adapter];
  const { status, stderr } = graft([
    'predict',
    model,
    join(files, 'scan.nii.gz'),
    '--out',
    out,
    '--overwrite',
    ...options,
  ]);
  expect(status, stderr).toBe(0);
  return labelsOf(join(out, 'scan.nii.gz'));
}

describe('files of an earlier version', () => {
  it.each(cases)('%s predicts the mask of then', (name, model, adapter) => {
    const found = predicted(name, model, adapter);
    const expected = labelsOf(join(files, `${name}.mask.nii.gz`));
    expect(expected.some((label) => label > 0)).toBe(true);
    // Another processor may round a voxel at a border to the other side.
    const differing = found.reduce((count, label, i) => count + (label === expected[i] ? 0 : 1), 0);
    expect(differing / found.length).toBeLessThan(1e-3);
  });

  it.each(cases)('%s is the same after it was written anew', (name, model, adapter) => {
    const path = join(folder, `${name}-anew.safetensors`);
    if (adapter === undefined) {
      const before = loadSegmenter(model);
      saveSegmenter(path, before);
      const after = loadSegmenter(path);
      expect(after.fingerprint).toBe(before.fingerprint);
      expect({ ...after.own, classes: after.classes, reference: after.reference }).toEqual({
        ...before.own,
        classes: before.classes,
        reference: before.reference,
      });
    } else {
      const { name: _, state, ...before } = loadAdapter(adapter);
      saveAdapter(path, { name, state, ...before });
      const { name: __, state: again, ...after } = loadAdapter(path);
      expect(after).toEqual(before);
      expect([...again.keys()]).toEqual([...state.keys()]);
      expect(readState(path).metadata.family).toBe(before.family);
    }
  });

  it.each(['run', 'federation'])('the scores of a %s are compared', (run) => {
    const { status, stderr, json } = graft(['compare', join(files, run), '--json']);
    expect(status, stderr).toBe(0);
    expect(json().comparisons[0].groups.length).toBeGreaterThan(0);
  });
});
