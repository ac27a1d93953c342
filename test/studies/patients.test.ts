/** Patients with scans at several sites: who is scored is not trained on, wherever the scans lie. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sealedJson } from '../../src/core/index.js';
import { type Case, type Dataset, generatePhantoms, type Split, splitCases } from '../../src/data/index.js';
import { readPageFile } from '../../src/report/index.js';
import {
  adaptationStudy,
  federationStudy,
  parseAdaptationRecipe,
  parseFederationRecipe,
  runStudy,
} from '../../src/studies/index.js';
import { errorOf } from '../graft-error.js';
import { recipe as federated } from './federation/tiny.js';
import { recipe } from './tiny.js';

/** A site with a scan of each of these patients. */
const siteOf = (site: string, patients: readonly string[]) => ({
  name: site,
  cases: patients.map((patient): Case => {
    const file = `${site}/${patient}`;
    return { site, name: `${patient}_${site}`, image: file, label: file, patient };
  }),
});
const numbered = (count: number, letter: string) => Array.from({ length: count }, (_, i) => `${letter}${i}`);
const datasetOf = (...sites: Dataset['sites']): Dataset => ({ root: 'x', sites });
/** The same files in a layout that does not name patients. */
const unnamed = ({ sites, ...rest }: Dataset): Dataset => ({
  ...rest,
  sites: sites.map((site) => ({ ...site, cases: site.cases.map(({ patient: _, ...one }) => one) })),
});
const patients = (cases: readonly Case[] = []) => cases.map(({ name }) => name.split('_')[0]);
const trainedOn = ({ train, validation }: Split) => patients([...train, ...validation]);
const scoredIn = (splits: Record<string, Split>) => patients(Object.values(splits).flatMap(({ test }) => test));
const seeds = [1, 2, 3, 4, 5];

describe('an adaptation', () => {
  const recipeOf = (changes: object = {}) =>
    parseAdaptationRecipe(
      { ...parse(recipe), source: 'T1w', targets: ['T2w', 'FLAIR'], split: {}, ...changes },
      'x.yaml',
    );
  const targets = [siteOf('T2w', numbered(10, 'p')), siteOf('FLAIR', [...numbered(3, 'p'), ...numbered(6, 'q')])];
  const dataset = datasetOf(siteOf('T1w', numbered(16, 'p')), ...targets);
  const byName = { groupBy: '^(.\\d+)_', sourceGroupBy: '^(.\\d+)_' };

  it.each([
    ['shares', {}, dataset],
    ['folds', { split: { target: { folds: 2 } } }, dataset],
    ['names', byName, unnamed(dataset)],
  ])('trains on nobody who is scored at a target: %s', (_, changes, data) => {
    for (const seed of seeds) {
      const { T1w, ...others } = adaptationStudy.split(recipeOf(changes), data, seed);
      const scored = scoredIn(others);
      const barred = numbered(16, 'p').filter((one) => scored.includes(one));
      expect(barred.length).toBeGreaterThan(3);
      expect(trainedOn(T1w).filter((one) => scored.includes(one))).toEqual([]);
      expect(patients(T1w['left out']).sort()).toEqual(barred.sort());
      expect(Object.values(T1w).flat()).toHaveLength(16);
      for (const part of ['train', 'validation', 'test']) expect(T1w[part].length).toBeGreaterThan(0);
    }
  });

  it.each([
    ['other patients', datasetOf(siteOf('T1w', numbered(16, 's')), ...targets), {}],
    ['names that only the targets’ pattern reads', unnamed(dataset), { groupBy: byName.groupBy }],
  ])('splits as ever with %s', (_, data, changes) => {
    for (const seed of seeds) {
      const { T1w } = adaptationStudy.split(recipeOf(changes), data, seed);
      const parts = recipeOf().split.source;
      expect(T1w).toEqual(splitCases(data.sites[0].cases, { parts, seed }));
    }
  });

  it('keeps the source’s own test cases, which nothing is trained on', () => {
    const cases = siteOf('T1w', numbered(16, 'p')).cases.map(
      (one, i): Case => ({ ...one, split: i < 3 ? 'test' : 'train' }),
    );
    const { T1w } = adaptationStudy.split(recipeOf(), datasetOf({ name: 'T1w', cases }, ...targets), 1);
    expect(patients(T1w.test)).toEqual(['p0', 'p1', 'p2']);
    expect(patients(T1w['left out'])).not.toContain('p0');
  });

  it('refuses where too few are left to train on', () => {
    const all = datasetOf(siteOf('T1w', numbered(10, 'p')), ...targets);
    const changes = { split: { target: { folds: 2 } } };
    const error = errorOf(() => adaptationStudy.split(recipeOf(changes), all, 1));
    expect(error).toMatchObject({ code: 'PATIENTS_SHARED', message: expect.stringContaining('T1w: 10 of 10 cases') });
    expect(error.message).toContain('needs at least 3 groups; there are 0 in 0 cases');
  });
});

describe('a federation', () => {
  const recipeOf = (changes: object = {}) =>
    parseFederationRecipe({ ...parse(federated), sites: ['T1w', 'T2w'], split: undefined, ...changes }, 'x.yaml');
  const dataset = datasetOf(
    siteOf('T1w', numbered(12, 'p')),
    siteOf('T2w', [...numbered(6, 'p'), ...numbered(9, 'q')]),
  );

  it('trains at no site on a patient who is scored at another', () => {
    let count = 0;
    for (const seed of seeds) {
      const splits = federationStudy.split(recipeOf(), dataset, seed);
      const scored = scoredIn(splits);
      for (const [i, split] of [splits.T1w, splits.T2w].entries()) {
        expect(trainedOn(split).filter((one) => scored.includes(one))).toEqual([]);
        const { parts, cases } = { parts: recipeOf().split, cases: dataset.sites[i].cases };
        expect(split.test).toEqual(splitCases(cases, { parts, seed }).test);
        expect(Object.values(split).flat()).toHaveLength(cases.length);
        count += split['left out']?.length ?? 0;
      }
    }
    expect(count).toBeGreaterThan(3);
  });

  it('splits as ever where the names of cases alone are alike, as those of two hospitals may be', () => {
    const splits = federationStudy.split(recipeOf({ groupBy: '^(.\\d+)_' }), unnamed(dataset), 1);
    for (const { name, cases } of unnamed(dataset).sites)
      expect(splits[name]).toEqual(splitCases(cases, { parts: recipeOf().split, seed: 1, groupBy: '^(.\\d+)_' }));
  });

  it('refuses where a part is emptied', () => {
    const two = datasetOf(siteOf('T1w', numbered(3, 'p')), siteOf('T2w', [...numbered(3, 'p'), ...numbered(3, 'a')]));
    const split = { train: 1, validation: 1, test: 1 };
    const ends = [...Array(20).keys()].map((seed) => {
      try {
        return federationStudy.split(recipeOf({ split }), two, seed);
      } catch (error) {
        return error;
      }
    });
    expect(ends).toContainEqual(
      expect.objectContaining({ code: 'PATIENTS_SHARED', message: expect.stringContaining('no case is left for ') }),
    );
  });
});

describe('a run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-patients-'));
  const at = (...names: string[]) => join(folder, ...names);
  const [source, target] = ['siemens-t1', 'philips-t2'] as const;
  beforeAll(() => {
    generatePhantoms(at('data'), { seed: 1, scanners: [source, target], cases: 4, spacing: 8 });
    const lines = [source, target].flatMap((site) =>
      [1, 2, 3, 4].map((i) => {
        const file = (kind: string) => `${site}/${kind}/patient0${i}.nii.gz`;
        return [site, `patient0${i}`, file('images'), file('labels'), `p${i}`].join();
      }),
    );
    writeFileSync(at('data', 'cases.csv'), ['site,case,image,label,patient', ...lines].join('\n'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const read = (...names: string[]) => JSON.parse(readFileSync(at(...names), 'utf8'));

  it('says whose cases were left out, and does again what an earlier version trained on them', async () => {
    const changes = {
      ...{ data: { root: at('data', 'cases.csv') }, methods: ['source'], cache: false },
      split: { source: { train: 1, validation: 1, test: 1 }, target: { adapt: 3, test: 1 } },
      training: { epochs: 1, batch: 8, headEpochs: 1 },
    };
    const asked = parseAdaptationRecipe({ ...parse(recipe), ...changes }, 'x.yaml');
    const run = async (resume: boolean) => {
      const [tasks, notes]: string[][] = [[], []];
      for await (const event of runStudy(adaptationStudy, asked, { out: at('run'), file: 'x.yaml', resume })) {
        if (event.kind === 'task') tasks.push(event.name);
        if (event.kind === 'note') notes.push(event.text);
      }
      return { tasks, notes };
    };
    const { notes } = await run(false);
    const [scored] = read('run', 'results', `seed1`, target, 'source.json').cases;
    const twin = `${source}/${scored.name}`;
    expect(notes.join('\n')).toMatch(new RegExp(`left out +1 case: ${twin}`));
    const results = ['source.json', `${target}/source.json`].map((name) => ['run', 'results', `seed1`, name]);
    for (const result of results) expect(read(...result).leftOut).toEqual([twin]);
    expect(readPageFile(readFileSync(at('run', 'report.html'), 'utf8'))!.notes).toContainEqual(
      expect.stringContaining('left out of all training: 1 with seed 1'),
    );
    expect((await run(true)).tasks).toEqual(['report']);

    for (const result of results) {
      const { leftOut: _, sha256: __, ...earlier } = read(...result);
      writeFileSync(at(...result), sealedJson(earlier));
    }
    const again = await run(true);
    expect(again.tasks).toContain(`seed 1: train on ${source}: network`);
    expect(again.notes.join('\n')).toContain('other patients have to be left out of training than were');
    for (const result of results) expect(read(...result).leftOut).toEqual([twin]);
  });
});
