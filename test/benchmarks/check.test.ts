import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Checkable, checkDataset, type DatasetCheck } from '../../src/data/index.js';
import { buildNifti } from '../data/nifti-fixtures.js';
import { temporaryTree } from '../layouts/tree.js';
import { buildKits } from './trees.js';

const tree = temporaryTree();

function check(set: Checkable, root: string, options: Parameters<typeof checkDataset>[2] = {}): DatasetCheck {
  const steps = checkDataset(set, root, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
const codes = ({ findings }: DatasetCheck) => findings.map(({ fault }) => fault.code).sort();
/** `code site/case`, or the code where the fault is no case's. */
const faults = ({ findings }: DatasetCheck) =>
  findings.map(({ fault, site, name }) => (site ? `${fault.code} ${site}/${name}` : fault.code)).sort();

it('finds nothing in a data set that is whole', () => {
  for (const name of ['p1', 'p2', 'p3']) {
    tree.image(`a/images/${name}.nii.gz`);
    tree.label(`a/labels/${name}.nii.gz`);
  }
  tree.image('b/images/p1.nii');
  const found = check('auto', tree.root, { classes: ['brain'] });
  expect(found.findings).toEqual([]);
  expect(found.sites).toEqual([
    { site: 'a', cases: 3, expected: undefined, labels: 3, faulty: 0 },
    { site: 'b', cases: 1, expected: undefined, labels: 0, faulty: 0 },
  ]);
});

it('names all of ten planted faults and more, each at its case, and goes on', () => {
  const whole = (name: string) => {
    tree.image(`a/images/${name}.nii.gz`);
    tree.label(`a/labels/${name}.nii.gz`);
  };
  for (let i = 0; i < 10; i++) whole(`p${i}`);
  // 1: an image that was cut short on its way
  truncateSync(tree.at('a/images/p0.nii.gz'), readFileSync(tree.at('a/images/p0.nii.gz')).length - 20);
  // 2: a label with another affine, 3: with another size
  const moved = [1, 0, 0, 7, 0, 1, 0, 0, 0, 0, 1, 0];
  tree.label('a/labels/p1.nii.gz', [1], { sform: { code: 1, rows: moved } });
  tree.label('a/labels/p2.nii.gz', [1], { dims: [2, 3, 4] });
  // 4: a class that nobody named, 5: an empty label, 6: a label that is an image
  tree.label('a/labels/p3.nii.gz', [1, 9]);
  tree.label('a/labels/p4.nii.gz', []);
  tree.label('a/labels/p5.nii.gz', [1], { type: 'float32', slope: 0.5 });
  // 7: a series, 8: a header of 60,000 x 60,000 in a tiny file
  tree.image('a/images/p6.nii.gz', { dims: [4, 3, 1, 2] });
  tree.put('a/images/p7.nii.gz', buildNifti({ version: 2, dims: [60_000, 60_000, 1], values: [] }));
  // 9: the same case in two files, 10: the same scan under two names
  tree.image('a/images/p8.nii');
  writeFileSync(tree.at('a/images/p9twin.nii.gz'), readFileSync(tree.at('a/images/p9.nii.gz')));
  // 11: a label of nobody, 12: a site without volumes, 13: a file that is no volume, 14: voxels that are no numbers
  tree.label('a/labels/p99.nii.gz');
  tree.put('empty/images/readme.txt', 'to come');
  tree.put('b/images/p1.nii', `${'\0'.repeat(128)}DICM`);
  tree.image('b/images/p2.nii.gz', { type: 'float32', values: [Number.NaN, ...new Array(23).fill(1)] });

  expect(faults(check('plain', tree.root, { classes: ['brain'] }))).toEqual(
    [
      'NIFTI_TRUNCATED a/p0',
      'GRID_MISMATCH a/p1',
      'GRID_MISMATCH a/p2',
      'LABEL_OUTSIDE_CLASSES a/p3',
      'LABEL_EMPTY a/p4',
      'LABEL_VALUE a/p5',
      'NIFTI_DIMENSIONS a/p6',
      'NIFTI_TOO_LARGE a/p7',
      'DATASET_DUPLICATE_CASE',
      'DATASET_SAME_IMAGE a/p9twin',
      'DATASET_LABEL_WITHOUT_IMAGE a/p99',
      'DATASET_EMPTY_SITE',
      'NIFTI_EXPECTED b/p1',
      'VOLUME_NOT_FINITE b/p2',
    ].sort(),
  );
});

describe('a benchmark set', () => {
  it('is whole, or says which cases and labels are missing or broken', () => {
    buildKits(tree);
    const root = tree.at('kits19');
    const whole = check('fed-kits19', root);
    expect(whole.findings).toEqual([]);
    expect(whole.sites[0]).toEqual({ site: 'A', cases: 12, expected: 12, labels: 12, faulty: 0 });

    rmSync(tree.at('kits19/data/case_00021/imaging.nii.gz'));
    rmSync(tree.at('kits19/data/case_00053/segmentation.nii.gz'));
    writeFileSync(tree.at('kits19/data/case_00001/imaging.nii.gz'), 'version https://git-lfs.github.com/spec/v1\n');
    const broken = check('fed-kits19', root);
    expect(faults(broken)).toEqual([
      'BENCHMARK_MISSING A/case_00021',
      'BENCHMARK_MISSING D/case_00053',
      'NIFTI_EXPECTED F/case_00001',
    ]);
    expect(broken.sites.map(({ cases, labels, faulty }) => [cases, labels, faulty])).toEqual([
      [11, 11, 1],
      [14, 14, 0],
      [12, 12, 0],
      [12, 11, 1],
      [16, 16, 0],
      [30, 30, 1],
    ]);
  });

  it('that is not there at all lacks everything', () => {
    tree.put('empty/readme.txt');
    const found = check('cc359', tree.at('empty'));
    expect(found.findings.length).toBe(359);
    expect(found.sites.every(({ cases, expected }) => cases === 0 && expected! >= 59)).toBe(true);
    expect(codes(check('cc359', tree.at('absent')))).toEqual(['DATASET_NOT_FOUND']);
  });

  it('names a broken file once, although its header is looked at before its voxels', () => {
    tree.put('cc359/Original/CC0300_ge_3_30_F.nii.gz', 'not a volume');
    const found = check('cc359', tree.at('cc359')).findings.filter(({ name }) => name === 'CC0300');
    expect(found.map(({ fault }) => fault.code)).toEqual(['BENCHMARK_MISSING', 'NIFTI_EXPECTED']);
    expect(found[0].fault.message).toContain('CC0300_ge_3_AGE_SEX_ss.nii.gz');
  });
});

it('checks the values of labels against the classes that the set itself names', () => {
  const list = { labels: { background: 0, prostate: 1 }, channel_names: { 0: 'T2' }, numTraining: 1 };
  tree.put('set/dataset.json', JSON.stringify(list));
  tree.image('set/imagesTr/p_0000.nii.gz');
  tree.label('set/labelsTr/p.nii.gz', [1, 2]);
  expect(codes(check('auto', tree.at('set')))).toEqual(['LABEL_OUTSIDE_CLASSES']);
  expect(codes(check('auto', tree.at('set'), { classes: ['inner', 'outer'] }))).toEqual([]);
});

it('lets one patient have the same scan twice', () => {
  tree.image('1.nii.gz');
  writeFileSync(tree.at('2.nii.gz'), readFileSync(tree.at('1.nii.gz')));
  const table = (patients: string[]) =>
    tree.put(
      'cases.csv',
      ['site,case,image,label,patient', `x,a,1.nii.gz,,${patients[0]}`, `x,b,2.nii.gz,,${patients[1]}`].join('\n'),
    );
  expect(codes(check('csv', table(['anna', 'anna'])))).toEqual([]);
  expect(codes(check('csv', table(['anna', 'ben'])))).toEqual(['DATASET_SAME_IMAGE']);
});
