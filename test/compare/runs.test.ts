/** Scores as runs keep them: folders of either kind are read, and only read. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scoresCsv } from '../../src/compare/index.js';
import { entriesOfRuns, openRun, readScores } from '../../src/studies/index.js';
import { namePatients } from '../../src/studies/patients.js';
import { errorOf } from '../graft-error.js';
import { scored, write } from './scored.js';

let folder: string;
const at = (name: string) => join(folder, name);
const result = (...cases: ReturnType<typeof scored>[]) => ({ seed: 1, method: 'm', cases });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'graft-compare-'));
  write(at('adaptation'), {
    'recipe.yaml': 'source: s\ntargets: [t, u]\nclasses: [brain]\nmethods: [source, adabn]\ngroupBy: ^(p\\d+)\n',
    'results/seed1/source.json': result(scored('s', 'own', 0.9)),
    'results/seed1/t/source.json': { ...result(scored('t', 'p1_a', 0.5), scored('t', 'p1_b', 0.6)), method: 'source' },
    'results/seed1/u/source.json': { ...result(scored('u', 'p1_a', 0.4)), method: 'source' },
    'results/seed1/t/adabn.json': { ...result(scored('t', 'p1_a', 0.7), scored('t', 'p1_b', 0.8)), method: 'adabn' },
  });
  const everywhere = (dice: number) => result(scored('a', 'x', dice), scored('b', 'x', dice + 0.1));
  write(at('federation'), {
    'recipe.yaml':
      'sites: [a, b]\nclasses: [brain]\nplans: [flap-sam, { plan: flap-sam, name: int8, federation: { wire: int8 } }]\n',
    'results/seed1/flap-sam/local/a.json': everywhere(0.5),
    'results/seed1/flap-sam/local/b.json': everywhere(0.6),
    'results/seed1/flap-sam/federated.json': everywhere(0.7),
    'results/seed1/int8/federated.json': everywhere(0.65),
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an adaptation', () => {
  it('is its methods on the targets, patients named by the recipe', () => {
    const entries = entriesOfRuns([at('adaptation')]);
    expect(entries.map(({ name, scores }) => `${name} ${scores.length}`)).toEqual(['source 3', 'adabn 2']);
    expect(entries[0].scores.map(({ site, patient }) => `${site} ${patient}`)).toEqual(['t p1', 't p1', 'u p1']);
  });
});

describe('a federation', () => {
  it('is its plans in each regime; local models count at home, and models that plans share count once', () => {
    const entries = entriesOfRuns([at('federation')]);
    const shown = entries.map(({ name, scores }) => [
      name,
      scores.map(({ site, classes }) => [site, classes.brain.dice]),
    ]);
    expect(shown).toEqual([
      [
        'flap-sam/local',
        [
          ['a', 0.5],
          ['b', 0.7],
        ],
      ],
      [
        'flap-sam/federated',
        [
          ['a', 0.7],
          ['b', expect.closeTo(0.8)],
        ],
      ],
      [
        'int8/federated',
        [
          ['a', 0.65],
          ['b', 0.75],
        ],
      ],
    ]);
  });
});

describe('several runs', () => {
  it('are told apart by the names of their folders, each counted once', () => {
    const names = entriesOfRuns([at('adaptation'), at('federation'), at('adaptation')]).map(({ name }) => name);
    expect(names[0]).toBe('adaptation/source');
    expect(names).toHaveLength(5);
  });

  it('are not written to', () => {
    const files = readdirSync(at('federation'), { recursive: true }).length;
    entriesOfRuns([at('federation')]);
    expect(readdirSync(at('federation'), { recursive: true })).toHaveLength(files);
  });

  it('are named where they are none, hold no scores, or hold damaged ones', () => {
    write(at('empty'), { 'recipe.yaml': 'source: s\ntargets: [t]\n' });
    write(at('damaged'), { 'recipe.yaml': 'source: s\ntargets: [t]\n', 'results/seed1/t/udas.json': '{"seed": 1' });
    const code = (name: string) => errorOf(() => entriesOfRuns([at(name)])).code;
    expect([code('none'), code('empty'), code('damaged')]).toEqual(['RUN_MISSING', 'RUN_UNSCORED', 'RUN_DAMAGED']);
    expect(errorOf(() => entriesOfRuns([at('damaged')])).message).toContain(join('t', 'udas.json'));
  });
});

describe('as CSV', () => {
  it('has a line for each case and class of every model, undefined distances empty', () => {
    const { files, run } = openRun(at('federation'));
    const scores = readScores(files, run);
    expect(scores.map(({ method, regime, trainedAt }) => [method, regime, trainedAt].join(' ').trim())).toEqual([
      ...['flap-sam local a', 'flap-sam local b', 'flap-sam federated', 'int8 federated'],
    ]);
    const name = 'a, "quoted"\nname';
    const text = scoresCsv([{ origin: { seed: 1, site: 's', case: name }, classes: scored('s', name, 0).classes }]);
    expect(parse(text, { columns: true })).toEqual([
      {
        ...{ seed: '1', site: 's', case: name, class: 'brain', dice: '0', surfaceDice: '0', hausdorff95: '' },
        ...{
          averageSurfaceDistance: '',
          volumeDifferenceMl: '-10',
          truthMl: '100',
          predictionMl: '90',
          boundaryBias: '',
          surfaceDiceOnSlices: '',
        },
      },
    ]);
  });
});

it("names patients after their first case, so that no identifier enters a run's folder", () => {
  const one = (site: string, name: string, patient?: string) => ({
    site,
    name,
    image: 'x',
    ...(patient && { patient }),
  });
  const sites = [
    { name: 'a', cases: [one('a', 'c1', 'MRN-1234'), one('a', 'c2'), one('a', 'c3', 'MRN-1234')] },
    { name: 'b', cases: [one('b', 'c1', 'MRN-1234'), one('b', 'c2', 'MRN-5678')] },
  ];
  const named = namePatients({ root: '/', sites }).sites.flatMap(({ cases }) => cases.map(({ patient }) => patient));
  expect(named).toEqual(['a/c1', undefined, 'a/c1', 'a/c1', 'b/c2']);
});
