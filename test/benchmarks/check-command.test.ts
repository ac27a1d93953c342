/** `graft data check` as a user calls it. */
import { expect, it } from 'vitest';
import { graft } from '../cli/graft.js';
import { temporaryTree } from '../layouts/tree.js';

const tree = temporaryTree();

it('prints a table and says that all is well', () => {
  tree.image('a/images/p.nii.gz');
  tree.label('a/labels/p.nii.gz');
  const { status, stdout } = graft(['data', 'check', 'auto', '--root', tree.root, '--quiet']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^a +1 +1 +0$/m);
  expect(stdout).toContain('Nothing is missing or broken.');
});

it('names faults with a hint, where a benchmark set is to be had, and exits with 3', () => {
  tree.put('kits/readme.txt');
  const { status, stdout, stderr } = graft(['data', 'check', 'fed-kits19', '--root', tree.at('kits')]);
  expect(status).toBe(3);
  expect(stdout).toContain('BENCHMARK_MISSING  A/case_00021: missing image and label, expected as');
  expect(stdout).toContain('… and 76 more');
  expect(stdout).toContain('neheller/kits19');
  expect(stderr).not.toContain('    at ');
});

it('gives everything as JSON', () => {
  tree.image('a/images/p.nii.gz', { dims: [4, 3, 1, 2] });
  const { status, json } = graft(['data', 'check', 'plain', '--root', tree.root, '--json', '--quiet']);
  expect(status).toBe(3);
  expect(json()).toMatchObject({
    whole: false,
    sites: [{ site: 'a', cases: 1, labels: 0, faulty: 1 }],
    findings: [{ site: 'a', name: 'p', code: 'NIFTI_DIMENSIONS' }],
  });
});

it('suggests the nearest set', () => {
  const { status, stderr } = graft(['data', 'check', 'cc395', '--root', tree.root]);
  expect(status).toBe(2);
  expect(stderr).toContain('did you mean cc359?');
});
