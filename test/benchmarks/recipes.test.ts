/** The recipes of the papers' tables, carried out on small trees in the layouts of the benchmark sets. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import {
  type BenchmarkName,
  benchmarks,
  type Case,
  loadSlices,
  readBenchmark,
  readVolume,
  siteOf,
  splitCases,
} from '../../src/data/index.js';
import { segmentVolume } from '../../src/segmenter/index.js';
import {
  type FederationRecipe,
  federationStudy,
  parseFederationRecipe,
  type RegimeResult,
  readAdaptationRecipe,
  readFederationRecipe,
  runStudy,
} from '../../src/studies/index.js';
import { noGrad } from '../../src/torch/index.js';
import { root } from '../child.js';
import { buildNifti } from '../data/nifti-fixtures.js';
import { temporaryTree } from '../layouts/tree.js';
import { unetSegmenter } from '../segmenters.js';
import { buildCc359, buildKits } from './trees.js';

const tree = temporaryTree();
const recipe = (name: string) => join(root, 'recipes', `${name}.yaml`);
const files = { 'fed-kits19': 'flap-sam-kits19', 'fed-ixi': 'flap-sam-ixi', prostate: 'flap-sam-prostate' } as const;

async function finish<T>(events: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
  }
}

describe.each(Object.entries(files) as [BenchmarkName, string][])('the recipe of %s', (name, file) => {
  const read: FederationRecipe = readFederationRecipe(recipe(file));

  it('names the sites and classes of the set, and weights that add up to 1', () => {
    const { sites, classes } = benchmarks[name];
    expect([...read.sites].sort()).toEqual(Object.keys(sites).sort());
    expect(read.classes).toEqual([...classes]);
    const weights = read.federation.weights as Record<string, number>;
    expect(Object.keys(weights)).toEqual(read.sites);
    expect(Object.values(weights).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
  });
});

it('the recipe of fed-kits19 runs from the repository’s folders to scores of the set’s test cases', async () => {
  buildKits(tree);
  const content = parse(readFileSync(recipe('flap-sam-kits19'), 'utf8'));
  const small = parseFederationRecipe(
    {
      ...content,
      model: { architecture: 'sam-tiny', imageSize: 32, pretrain: { steps: 2, batch: 2, epoch: 2 } },
      ...{ adapter: { rank: 2 }, plans: ['flap-sam'], regimes: ['federated'], device: 'cpu', threads: 1 },
      sites: ['A', 'F'],
      training: { ...content.training, batch: 12, warmup: 2, overlap: false, augmentation: null },
      federation: { ...content.federation, rounds: 1, weights: { A: 0.2, F: 0.8 } },
    },
    'small.yaml',
  );
  const options = { out: tree.at('run'), data: tree.at('kits19'), file: 'small.yaml' };
  const { report } = await finish(runStudy(federationStudy, small, options));
  expect(existsSync(report)).toBe(true);
  const result: RegimeResult = JSON.parse(
    readFileSync(tree.at('run/results/seed1234/flap-sam/federated.json'), 'utf8'),
  );
  const scored = small.sites.map((site) => result.cases.filter((one) => one.site === site).map(({ name }) => name));
  expect(scored[0]).toEqual(['case_00181', 'case_00195', 'case_00208']);
  expect(scored[1]).toHaveLength(6);
  expect(Object.keys(result.cases[0].classes)).toEqual(['kidney', 'tumour']);
});

describe('the recipe of cc359', () => {
  const read = readAdaptationRecipe(recipe('convlora-cc359'));

  it('names the six scanners, and divides what it finds', () => {
    expect([read.source, ...read.targets].sort()).toEqual(Object.keys(benchmarks.cc359.sites).sort());
    expect(read.classes).toEqual([...benchmarks.cc359.classes]);
    buildCc359(tree);
    const dataset = readBenchmark('cc359', tree.at('cc359'));
    const sizes = (site: string, parts: Record<string, number>) =>
      Object.values(splitCases(siteOf(dataset, site).cases, { parts, seed: 1234 })).map(({ length }) => length);
    expect(sizes('GE_3', read.split.source)).toEqual([42, 9, 9]);
    const { folds, ...parts } = read.split.target;
    expect([folds, parts]).toEqual([undefined, { adapt: 10, test: 49 }]);
    for (const target of read.targets) expect(sizes(target, { adapt: 10, test: 49 })).toEqual([10, 49]);
  });

  it('trains on the slices of a scanner’s window, and predicts background outside it', () => {
    const dims = [24, 9, 8];
    const values = Array.from({ length: 24 * 9 * 8 }, (_, i) => (i * 7919) % 255);
    const image = tree.put('image.nii', buildNifti({ dims, values }));
    const label = tree.put('label.nii', buildNifti({ dims, values: values.map(() => 1) }));
    const one: Case = {
      site: 'GE_3',
      name: 'CC0300',
      image,
      label,
      preprocessing: { axis: 'sagittal', slices: [5, 11] },
    };
    const [slices] = loadSlices([one], read.preprocessing, { classes: 2 });
    expect(slices.images.shape).toEqual([7, 1, 8, 16]);
    const model = unetSegmenter({ inChannels: 1, outChannels: 1, filters: 2 }, { preprocessing: read.preprocessing });
    model.initialise(1);
    // Whatever it sees, it calls brain.
    noGrad(() => model.network.parameters().get('out_path.1.layer.bias')!.fill_(50));
    const volume = readVolume(image);
    const mask = segmentVolume(model, volume, { case: one });
    const [z, y, x] = volume.shape;
    const brain = Array.from({ length: x }, (_, at) => mask.filter((value, i) => i % x === at && value === 1).length);
    expect(brain).toEqual(Array.from({ length: x }, (_, at) => (at >= 5 && at <= 11 ? z * y : 0)));
    model.dispose();
  });
});
