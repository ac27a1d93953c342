/** A U-Net in rounds: every plan runs, and batch normalisation stays, travels or rests as it is asked to. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adapt, adaptationSchema } from '../../../src/adapt/index.js';
import { runToEnd, unsealedJson } from '../../../src/core/index.js';
import { readState } from '../../../src/nn/index.js';
import { loadAdapter, loadSegmenter } from '../../../src/segmenter/index.js';
import { federationStudy, parseFederationRecipe, type RegimeResult, runStudy } from '../../../src/studies/index.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-unet-rounds-'));
const out = join(folder, 'run');
const sites = ['siemens-t1', 'philips-t2'];
const convlora = { plan: 'convlora', adapter: { rank: 1 } };
const recipe = parseFederationRecipe(
  {
    data: { phantom: { seed: 5, scanners: sites, cases: 3, spacing: 8 } },
    ...{ classes: ['brain'], sites, toleranceMm: 6 },
    split: { train: 1, validation: 1, test: 1 },
    model: { architecture: 'unet2d', filters: 2 },
    preprocessing: { spacing: 8, size: [32, 32] },
    plans: [
      { plan: 'full', name: 'full' },
      { ...convlora, name: 'averaged', training: { normalisation: 'averaged' } },
      { ...convlora, name: 'frozen', training: { normalisation: 'frozen' } },
      { plan: 'convlora-decoder', name: 'decoder', adapter: { rank: 1 } },
    ],
    regimes: ['federated'],
    training: { batch: 8, lr: 0.01, warmup: 1, augmentation: null, decayEpochs: null },
    ...{ federation: { rounds: 2 }, threads: 1, device: 'cpu' },
  },
  'the test',
);

const resultOf = (plan: string) => results.get(plan)!;
const results = new Map<string, RegimeResult>();
const model = () => loadSegmenter(join(out, 'models/seed1.safetensors'));
const namesIn = (file: string) => [...readState(join(out, file)).state.keys()];
const statistics = (names: readonly string[]) => names.filter((name) => /running_(mean|var)$/.test(name));

beforeAll(async () => {
  await runToEnd(runStudy(federationStudy, recipe, { out, file: 'the test' }), () => {});
  for (const name of ['full', 'averaged', 'frozen', 'decoder'])
    results.set(name, unsealedJson(readFileSync(join(out, `results/seed1/${name}/federated.json`), 'utf8')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('batch normalisation', () => {
  it('stays with each site: statistics, scales and shifts travel with no update, and every site has an adapter of its own', () => {
    const { adapters, trainedParameters, travellingParameters } = resultOf('full');
    expect(adapters.map(({ site }) => site)).toEqual(sites);
    expect(travellingParameters).toBeLessThan(trainedParameters);
    for (const { file } of adapters) expect(statistics(namesIn(file)).length).toBeGreaterThan(0);
  });

  it('travels where it is averaged: one adapter for all sites, with statistics', () => {
    const { adapters, trainedParameters, travellingParameters } = resultOf('averaged');
    expect(adapters.map(({ site }) => site)).toEqual([null]);
    expect(travellingParameters).toBeGreaterThan(trainedParameters);
    expect(statistics(namesIn(adapters[0].file)).length).toBeGreaterThan(0);
  });

  it('rests where it is frozen: no statistics are in the adapter', () => {
    const { adapters, trainedParameters, travellingParameters } = resultOf('frozen');
    expect(travellingParameters).toBe(trainedParameters);
    expect(statistics(namesIn(adapters[0].file))).toEqual([]);
  });
});

it.each(['full', 'averaged', 'frozen', 'decoder'])('the adapters of %s are used with the model of the run', (plan) => {
  const base = model();
  for (const { file } of resultOf(plan).adapters) {
    const adapter = loadAdapter(join(out, file));
    base.use(adapter);
    expect(adapter.family).toBe('unet2d');
    base.use(undefined);
  }
});

it('a model of rounds has no early head, which nobody trained: adaptation asks for one', async () => {
  const context = { seed: 1, name: 'target', toleranceMm: 6 };
  const work = adapt(model(), [], adaptationSchema.parse({}), context);
  await expect(work.next()).rejects.toMatchObject({ code: 'HEAD_MISSING' });
});

it('cases of several sizes train together, on single slices where nothing else is asked for', async () => {
  const mixed = parseFederationRecipe(
    {
      data: { phantom: { seed: 1, scanners: sites, cases: 3, spacing: 8, mixed: true } },
      ...{ classes: ['brain'], sites, toleranceMm: 6, split: { train: 1, validation: 1, test: 1 } },
      ...{ model: { architecture: 'unet2d', filters: 1 }, plans: ['full'], regimes: ['centralised', 'federated'] },
      training: { batch: 8, lr: 0.01, warmup: 1, augmentation: null, decayEpochs: null },
      ...{ federation: { rounds: 1 }, threads: 1, device: 'cpu' },
    },
    'the test',
  );
  expect(mixed).toMatchObject({ windows: { slices: 1 }, title: 'Federated fine-tuning of U-Net' });
  const work = runStudy(federationStudy, mixed, { out: join(folder, 'mixed'), file: 'the test' });
  const { summary } = await runToEnd(work, () => {});
  expect(Object.keys(summary.plans[0].regimes)).toEqual(['centralised', 'federated']);
});
