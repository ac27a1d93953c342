import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { niftiStem, readDataset, readLabel, readVolume, writeMask } from '../../src/data/index.js';
import { findImages } from '../../src/jobs/index.js';
import { scoreFolder } from '../../src/jobs/score.js';
import { temporaryTree } from '../layouts/tree.js';
import { buildNifti } from './nifti-fixtures.js';

const tree = temporaryTree();

describe('the names of NIfTI files', () => {
  it('count whatever the case of their ending', () => {
    for (const name of ['B.nii', 'B.nii.gz', 'B.NII', 'B.NII.GZ', 'B.Nii.gz', '/a/b.nii/B.nii.GZ'])
      expect(niftiStem(name), name).toBe('B');
    expect(niftiStem('v1.2_T1w.nii.gz')).toBe('v1.2_T1w');
    for (const name of ['B', 'B.nii.txt', 'B.gz', '.nii', 'B.nii.gz.part'])
      expect(niftiStem(name), name).toBeUndefined();
  });

  it('in capitals are found in a data set and give masks with an ordinary ending', async () => {
    tree.put('upper/s/images/B.NII', buildNifti());
    tree.put('upper/s/labels/B.NII', buildNifti({ values: new Array(24).fill(1) }));
    const [site] = readDataset(tree.at('upper')).sites;
    expect(site.cases).toMatchObject([{ name: 'B', label: tree.at('upper/s/labels/B.NII') }]);
    expect(findImages([tree.at('upper/s/images/B.NII')], 'nifti').sources).toMatchObject([{ name: 'B' }]);
    const labels = tree.at('upper/s/labels');
    const scoring = scoreFolder(labels, labels, ['a'], 1);
    let step = await scoring.next();
    while (!step.done) step = await scoring.next();
    expect(step.value.scores).toMatchObject([{ name: 'B' }]);
  });

  it('in capitals say that a file is to be packed, too', () => {
    const path = join(tree.root, 'MASK.NII.GZ');
    const image = readVolume(tree.put('image.nii', buildNifti()));
    writeMask(path, new Uint8Array(24), image.grid);
    expect(existsSync(path) && readLabel(path).data).toEqual(new Uint8Array(24));
  });
});
