import { renameSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  type BenchmarkName,
  benchmarks,
  type Case,
  type Dataset,
  loadCase,
  preprocessingOf,
  preprocessingSchema,
  readBenchmark,
  siteOf,
  splitCases,
} from '../../src/data/index.js';
import { errorOf } from '../graft-error.js';
import { temporaryTree } from '../layouts/tree.js';
import { buildCc359, buildIxi, buildKits, buildProstate } from './trees.js';

const tree = temporaryTree();
const parts = (dataset: Dataset) =>
  Object.fromEntries(
    dataset.sites.map(({ name, cases }) => [
      name,
      ['train', 'test'].map((part) => cases.filter(({ split }) => split === part).length),
    ]),
  );
const total = (dataset: Dataset) => dataset.sites.flatMap(({ cases }) => cases).length;
const find = (dataset: Dataset, site: string, name: string): Case =>
  siteOf(dataset, site).cases.find((one) => one.name === name)!;

it('Fed-KiTS19 has 96 cases at six sites, FLamby’s parts and each site’s own intensities', () => {
  buildKits(tree);
  const dataset = readBenchmark('fed-kits19', tree.at('kits19'));
  expect(parts(dataset)).toEqual({ A: [9, 3], B: [11, 3], C: [9, 3], D: [9, 3], E: [12, 4], F: [24, 6] });
  expect(total(dataset)).toBe(96);
  expect(readBenchmark('fed-kits19', tree.at('kits19/data')).sites).toEqual(dataset.sites);
  const one = find(dataset, 'D', 'case_00140');
  expect(one.split).toBe('test');
  expect(preprocessingOf(one, preprocessingSchema.parse({})).intensity).toEqual({
    ...{ kind: 'fixed-z-score', low: -64, high: 202 },
    ...{ mean: 71.06884002685547, deviation: 52.98845672607422 },
  });
  expect(new Set(loadCase(one, { classes: 3 }).label!.data)).toEqual(new Set([0, 1, 2]));
  const split = splitCases(siteOf(dataset, 'E').cases, {
    parts: { train: 0.9, validation: 0.05, test: 0.05 },
    seed: 1,
  });
  expect(Object.values(split).map(({ length }) => length)).toEqual([11, 1, 4]);
});

it('Fed-IXI has 566 subjects at three hospitals, FLamby’s parts, and takes T1', () => {
  buildIxi(tree);
  const dataset = readBenchmark('fed-ixi', tree.at('ixi'));
  expect(parts(dataset)).toEqual({ Guys: [249, 62], HH: [145, 36], IOP: [59, 15] });
  expect(readBenchmark('fed-ixi', tree.at('ixi/7kd5wj7v7p-3/IXI_sample')).sites).toEqual(dataset.sites);
  const one = find(dataset, 'HH', 'IXI012-HH-1012');
  expect([one.split, one.image.includes('/T1/'), one.label!.includes('/label/')]).toEqual(['test', true, true]);
});

it('the prostate set has 116 cases, FLAP-SAM’s 25 test cases, and one class whatever its labels tell apart', () => {
  buildProstate(tree);
  const dataset = readBenchmark('prostate', tree.at('prostate'));
  const expected = { RUNMC: [24, 6], BMC: [24, 6], I2CVB: [15, 4], UCL: [10, 3], BIDMC: [9, 3], HK: [9, 3] };
  expect(parts(dataset)).toEqual(expected);
  expect(total(dataset)).toBe(116);
  const tests = siteOf(dataset, 'HK').cases.filter(({ split }) => split === 'test');
  expect(tests.map(({ name }) => name)).toEqual(['Case38', 'Case41', 'Case46']);
  const { label } = loadCase(find(dataset, 'BMC', 'Case00'), { classes: 2 });
  expect([...label!.data].reduce((sum, value) => sum + value, 0)).toBe(2);
});

it('CC359 has 359 people on six scanners, and the slices of ConvLoRA’s code, counted as graft counts', () => {
  buildCc359(tree, { size: 200 });
  const dataset = readBenchmark('cc359', tree.at('cc359'));
  const counts = Object.fromEntries(dataset.sites.map(({ name, cases }) => [name, cases.length]));
  expect(counts).toEqual({ GE_15: 60, GE_3: 60, Philips_15: 59, Philips_3: 60, Siemens_15: 60, Siemens_3: 60 });
  const windows = dataset.sites.map(({ name, cases }) => [name, ...cases[0].preprocessing!.slices!]);
  expect(windows).toEqual([
    ['GE_15', 60, 195],
    ['GE_3', 25, 175],
    ['Philips_15', 10, 150],
    ['Philips_3', 20, 155],
    ['Siemens_15', 25, 165],
    ['Siemens_3', 60, 165],
  ]);
  expect(find(dataset, 'GE_3', 'CC0359').preprocessing!.axis).toBe('sagittal');
  expect(find(dataset, 'GE_3', 'CC0359').label).toContain('_ss.nii.gz');
});

it('CC359 counts slices from the other end where files run from right to left, also in folders of scanners', () => {
  buildCc359(tree, { size: 200, left: true, folders: true });
  const dataset = readBenchmark('cc359', tree.at('cc359'));
  expect(find(dataset, 'Siemens_3', 'CC0200').preprocessing!.slices).toEqual([34, 139]);
});

it('a run refuses a set that is not whole, and says how to see why', () => {
  buildProstate(tree);
  rmSync(tree.at('prostate/UCL/Case01.nii.gz'));
  renameSync(tree.at('prostate/HK/Case38_segmentation.nii.gz'), tree.at('prostate/HK/Case38_seg.nii.gz'));
  const error = errorOf(() => readBenchmark('prostate', tree.at('prostate')));
  expect(error.code).toBe('BENCHMARK_FAULTS');
  expect(error.message).toContain('2 faults, of which the first is: UCL/Case01: missing image');
  expect(error.hint).toContain('graft data check prostate --root');
  expect(errorOf(() => readBenchmark('cc359', tree.at('prostate'))).message).toContain('359 faults');
});

it.each(Object.keys(benchmarks) as BenchmarkName[])('%s says where it is to be had, by name', (name) => {
  const { obtain, tree: files, classes } = benchmarks[name];
  expect(obtain.join(' ').length).toBeGreaterThan(60);
  expect(files.every((file) => file.startsWith('ROOT/'))).toBe(true);
  expect(classes.length).toBeGreaterThan(0);
});
