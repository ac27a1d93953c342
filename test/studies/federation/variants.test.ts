/** Plans whose rounds differ: parts that stay at a site, corrected weights, the best round; each can be used afterwards. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadCase, readDataset, siteOf } from '../../../src/data/index.js';

import { scoreCase } from '../../../src/jobs/index.js';
import { loadAdapter, loadSegmenter, segmentVolumeWithPauses } from '../../../src/segmenter/index.js';
import {
  type Experiment,
  type FederationSummary,
  federationStudy,
  openRun,
  parseFederationRecipe,
  type RegimeResult,
  resultPath,
  runStudy,
} from '../../../src/studies/index.js';
import { last } from '../../last.js';
import { recipe as tiny } from './tiny.js';

const plans = ['fedex', 'fedsa', 'ffa', 'rolora', 'mean'].map((aggregation) => ({
  ...{ plan: 'lora', name: aggregation, federation: { aggregation } },
}));
const recipe = parseFederationRecipe(
  {
    ...parse(tiny),
    plans: [
      ...plans,
      {
        plan: 'lora-decoder',
        name: 'mixed',
        adapter: { count: 2 },
        federation: { aggregation: 'mean', compression: 'deflate' },
      },
      { plan: 'full', name: 'prox', federation: { mu: 0.1, server: { optimiser: 'fedavgm' }, wire: 'bf16' } },
    ],
    regimes: ['federated'],
    keep: 'best',
  },
  'tiny.yaml',
);

let folder: string;
let out: string;
let ended: Experiment<FederationSummary>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-variants-'));
  out = join(folder, 'run');
  const events = runStudy(federationStudy, recipe, { out, file: 'tiny.yaml' });
  for (;;) {
    const { done, value } = await events.next();
    if (!done) continue;
    ended = value;
    break;
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('every way to go through the rounds', () => {
  const results = () => recipe.tasks.map((task) => openRun(out).files.readJson<RegimeResult>(resultPath(task)));

  it('ends with a model, and keeps a round that there was', () => {
    expect(results().map(({ plan }) => plan)).toEqual(['fedex', 'fedsa', 'ffa', 'rolora', 'mean', 'mixed', 'prox']);
    for (const { kept } of results()) expect([1, 2]).toContain(kept);
    expect(existsSync(ended.report)).toBe(true);
  });

  it('leaves an adapter for each site where a part of it never leaves the site, otherwise one', () => {
    const owners = Object.fromEntries(results().map(({ plan, adapters }) => [plan, adapters.map(({ site }) => site)]));
    const each = recipe.sites;
    expect(owners).toEqual({
      ...{ fedex: [null], ffa: [null], rolora: [null], mean: [null], prox: [null] },
      ...{ fedsa: each, mixed: each },
    });
  });

  it('scores what the adapters say, which is all that prediction needs', async () => {
    const model = loadSegmenter(join(out, 'models', 'seed1.safetensors'));
    const dataset = readDataset(join(out, 'data'));
    for (const { plan, adapters, cases } of results())
      for (const site of recipe.sites) {
        const { file } = adapters.find((one) => one.site === null || one.site === site)!;
        model.use(loadAdapter(join(out, file)));
        const expected = cases.find((one) => one.site === site)!;
        const one = siteOf(dataset, site).cases.find(({ name }) => name === expected.name)!;
        expect(
          await last(
            scoreCase(one, (image) => segmentVolumeWithPauses(model, image), recipe.classes, recipe.toleranceMm),
          ),
          plan,
        ).toEqual(expected);
        expect(loadCase(one, { classes: 2 }).label).toBeDefined();
      }
    model.dispose();
  });

  it('moves less where only one factor travels, and states what', () => {
    const { plans: found }: FederationSummary = ended.summary;
    const total = (name: string) => found.find((one) => one.name === name)!.traffic!.total;
    expect(total('ffa')).toBeLessThan(0.85 * total('mean'));
    expect(total('fedsa')).toBeLessThan(0.85 * total('mean'));
    expect(total('rolora')).toBeLessThan(total('mean'));
    expect(total('fedex')).toBeGreaterThan(total('mean'));
    expect(found.every(({ gain, localModels }) => gain === null && localModels === null)).toBe(true);
  });
});
