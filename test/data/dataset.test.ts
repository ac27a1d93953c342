import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCase, readDataset, siteOf, writeVolume } from '../../src/data/index.js';
import { errorOf } from '../graft-error.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'graft-dataset-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const put = (...files: string[]) => {
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
};

describe('readDataset', () => {
  it('finds sites and cases, sorted, with the labels that there are', () => {
    put(
      'b/images/p2.nii.gz',
      'b/images/p10.nii',
      'b/labels/p2.nii.gz',
      'a/images/case.1.nii',
      'README.md',
      'notes/x.txt',
    );
    put('a/images/.hidden.nii', 'a/images/readme.txt', 'a/images/preview.png');
    expect(readDataset(root)).toEqual({
      root,
      sites: [
        { name: 'a', cases: [{ site: 'a', name: 'case.1', image: join(root, 'a/images/case.1.nii') }] },
        {
          name: 'b',
          cases: [
            { site: 'b', name: 'p10', image: join(root, 'b/images/p10.nii') },
            {
              site: 'b',
              name: 'p2',
              image: join(root, 'b/images/p2.nii.gz'),
              label: join(root, 'b/labels/p2.nii.gz'),
            },
          ],
        },
      ],
    });
  });

  it('pairs .nii images with .nii.gz labels', () => {
    put('a/images/p.nii', 'a/labels/p.nii.gz');
    expect(readDataset(root).sites[0].cases[0].label).toBe(join(root, 'a/labels/p.nii.gz'));
  });

  it.each([
    ['DATASET_NO_SITES', ['images/p.nii.gz', 'labels/p.nii.gz'], 'found images, labels'],
    ['DATASET_NO_SITES', [], 'found nothing'],
    ['DATASET_NOT_NIFTI', ['a/images/p.nrrd'], 'found p.nrrd'],
    ['DATASET_EMPTY_SITE', ['a/images/p.dcm'], 'found p.dcm'],
    ['DATASET_EMPTY_SITE', ['a/images/notes.txt'], 'found notes.txt'],
    ['DATASET_LABEL_WITHOUT_IMAGE', ['a/images/p.nii', 'a/labels/p.nii', 'a/labels/q.nii'], 'q.nii'],
    ['DATASET_LABEL_WITHOUT_IMAGE', ['a/labels/q.nii'], 'q.nii'],
    ['DATASET_DUPLICATE_CASE', ['a/images/p.nii', 'a/images/p.nii.gz'], 'the case p'],
  ])('%s of %j', (code, files, message) => {
    put(...files);
    const error = errorOf(() => readDataset(root));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).toContain(root);
  });

  it('names a folder that does not exist', () => {
    const error = errorOf(() => readDataset(join(root, 'absent')));
    expect(error.code).toBe('DATASET_NOT_FOUND');
    expect(error.message).toContain(join(root, 'absent'));
  });
});

it('suggests the nearest site', () => {
  put('ixi-t1/images/p.nii', 'lju-t2/images/p.nii');
  const dataset = readDataset(root);
  expect(siteOf(dataset, 'lju-t2').cases).toHaveLength(1);
  const error = errorOf(() => siteOf(dataset, 'LJU_t2'));
  expect(error.message).toContain('the sites are ixi-t1, lju-t2');
  expect(error.hint).toBe('Name one of them; did you mean lju-t2?');
});

describe('loadCase', () => {
  const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const shape: [number, number, number] = [2, 2, 3];
  const write = (kind: string, data: Float32Array | Uint8Array, at = affine) =>
    writeVolume(join(root, 'a', kind, 'p.nii.gz'), { data, shape, affine: at });
  const load = (classes: number) => loadCase(readDataset(root).sites[0].cases[0], { classes });

  it('gives image and label, or the image alone', () => {
    write(
      'images',
      Float32Array.from({ length: 12 }, (_, i) => i),
    );
    expect(load(2).label).toBeUndefined();
    write(
      'labels',
      Uint8Array.from({ length: 12 }, (_, i) => i % 2),
    );
    const { image, label } = load(2);
    expect(image.data[5]).toBe(5);
    expect(label?.data[5]).toBe(1);
  });

  it('names the value, file and voxels of a label outside the classes', () => {
    write('images', new Float32Array(12));
    write('labels', Uint8Array.from([0, 1, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect(load(4).label?.data[2]).toBe(3);
    const error = errorOf(() => load(2));
    expect(error.code).toBe('LABEL_OUTSIDE_CLASSES');
    expect(error.message).toContain('2 voxels have the value 3; expected values from 0 to 1');
    expect(error.message).toContain(join(root, 'a/labels/p.nii.gz'));
  });

  it('merges the classes that the data set merges', () => {
    write('images', new Float32Array(12));
    write('labels', Uint8Array.from([0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]));
    const [one] = readDataset(root).sites[0].cases;
    const { label } = loadCase({ ...one, greatestLabel: 1 }, { classes: 2 });
    expect([...label!.data.slice(0, 4)]).toEqual([0, 1, 1, 1]);
  });

  it('refuses a label on another grid', () => {
    write('images', new Float32Array(12));
    write('labels', new Uint8Array(12), affine.with(3, 5));
    expect(errorOf(() => load(2)).code).toBe('GRID_MISMATCH');
  });
});
