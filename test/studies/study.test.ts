/** What the runner of studies does once where it could do it often, and what it leaves to go on from. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { generatePhantoms } from '../../src/data/index.js';
import { readPageFile } from '../../src/report/index.js';
import { adaptationStudy, parseAdaptationRecipe, runStudy } from '../../src/studies/index.js';
import { errorOf } from '../graft-error.js';
import { hashes, recipe } from './tiny.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-study-'));
const at = (name: string) => join(folder, name);
beforeAll(() => {
  generatePhantoms(at('data'), { seed: 1, scanners: ['siemens-t1', 'philips-t2', 'ge-t1'], cases: 4, spacing: 8 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recipeOf = (changes: object) =>
  parseAdaptationRecipe(
    {
      ...{ ...parse(recipe), training: { epochs: 1, batch: 4, headEpochs: 1 }, data: { root: at('data') } },
      ...{ methods: ['source', 'adabn', { method: 'udas', epochs: 1 }], cache: false, ...changes },
    },
    'x.yaml',
  );

async function tasksOf(changes: object, out: string, more: object = {}): Promise<string[]> {
  const names: string[] = [];
  for await (const event of runStudy(adaptationStudy, recipeOf(changes), { out: at(out), file: 'x.yaml', ...more }))
    if (event.kind === 'task') names.push(event.name);
  return names;
}

describe('a study', () => {
  it('reads the cases of a target once for all its methods', async () => {
    const names = await tasksOf({ targets: ['philips-t2', 'ge-t1'], seeds: [1, 2] }, 'targets');
    const read = names.filter((name) => /: read/.test(name) && !/train on/.test(name));
    expect(read).toEqual(
      [1, 2].flatMap((seed) => ['philips-t2', 'ge-t1'].map((target) => `seed ${seed}: ${target}: read 1 cases`)),
    );
  });

  it('that is done opens nothing when it is asked for again', async () => {
    const changes = { targets: ['philips-t2', 'ge-t1'], seeds: [1, 2] };
    expect(await tasksOf(changes, 'targets', { resume: true })).toEqual(['report']);
  });

  it('whose data do not suit it leaves no folder', async () => {
    await expect(tasksOf({ targets: ['philips-t9'] }, 'none')).rejects.toMatchObject({ code: 'DATASET_UNKNOWN_SITE' });
    expect(existsSync(at('none'))).toBe(false);
  });
});

const training = { epochs: 2, batch: 4, lr: 1e-2, headEpochs: 1 };

describe('a target that is crossed over', () => {
  const crossed = {
    split: { source: { train: 2, validation: 1, test: 1 }, target: { folds: 2 } },
    oracle: { epochs: 1 },
    // Long enough for masks.
    training,
  };
  const labels = () => at('data/philips-t2/labels');
  const read = (...names: string[]) => JSON.parse(readFileSync(join(folder, ...names), 'utf8'));
  const files = (out: string) => hashes(at(out), 'models', 'adapters', 'results');
  /** Runs it to the end, or until a task has made its first step. */
  const run = async (
    out: string,
    { until, more = {} }: { until?: RegExp; more?: object } = {},
    seen = (_: string) => {},
  ) => {
    let task = '';
    const options = { out: at(out), file: 'x.yaml', ...more };
    for await (const event of runStudy(adaptationStudy, recipeOf(crossed), options)) {
      if (event.kind === 'task') task = event.name;
      if (event.kind === 'task') seen(task);
      if (until?.test(task) && event.kind === 'step') return;
    }
  };

  it('reads its labels to score and to train the oracle alone', async () => {
    const allowed = /: score$|^seed 1: Oracle|^report$/;
    const hidden = `${labels()}-hidden`;
    const tasks: string[] = [];
    await run('crossed', {}, (task) => {
      tasks.push(task);
      if (allowed.test(task) === existsSync(hidden)) {
        const [from, to] = existsSync(hidden) ? [hidden, labels()] : [labels(), hidden];
        renameSync(from, to);
      }
    });
    expect(tasks.filter((task) => !allowed.test(task))).toEqual(
      expect.arrayContaining(['seed 1: philips-t2, fold 2: read 2 cases', 'seed 1: UDAS on philips-t2, fold 2']),
    );
  });

  it('is scored once on every patient, by every row, and the oracle trained on none of them', () => {
    const { methods, folds } = read('crossed', 'results.json');
    expect([folds, methods.map(({ name }: { name: string }) => name)]).toEqual([
      2,
      ['source', 'adabn', 'udas', 'oracle'],
    ]);
    const scored = (method: string, fold: number) =>
      read('crossed', 'results', 'seed1', 'philips-t2', method, `fold${fold}.json`).cases.map(
        ({ name }: { name: string }) => name,
      );
    for (const method of ['source', 'adabn', 'udas', 'oracle'])
      expect([...scored(method, 1), ...scored(method, 2)].sort()).toEqual(
        [1, 2, 3, 4].map((number) => `patient0${number}`),
      );
    const lines = readFileSync(at('crossed/scores.csv'), 'utf8').trim().split('\n');
    expect(lines.filter((line) => line.startsWith('1,oracle,'))).toHaveLength(4);
    const report = readFileSync(at('crossed/report.html'), 'utf8');
    expect(report).toContain('crossed over in 2 folds');
    for (const { boundaryBias } of readPageFile(report)!.scores!.scores) expect(boundaryBias).toHaveLength(1);
  });

  it('goes on to the same bits where it was stopped in an adaptation and in the oracle', async () => {
    await run('stopped', { until: /UDAS on philips-t2, fold 1$/ });
    await run('stopped', { until: /Oracle \(target labels\) on philips-t2, fold 2$/, more: { resume: true } });
    expect(existsSync(at('stopped/results/seed1/philips-t2/oracle/fold2.json'))).toBe(false);
    await run('stopped', { more: { resume: true } });
    expect(files('stopped')).toEqual(files('crossed'));
    expect(read('stopped', 'results.json')).toEqual(read('crossed', 'results.json'));
  });
});

it('scores the labelled extent alone where it is asked to, on both grids', async () => {
  const split = { source: { train: 2, validation: 1, test: 1 }, target: { adapt: 2, test: 2 } };
  const methods = { methods: ['source'], training, split };
  await tasksOf(methods, 'whole');
  await tasksOf({ ...methods, scored: 'labelled-extent' }, 'extent');
  const brain = (out: string) =>
    JSON.parse(readFileSync(at(`${out}/results/seed1/philips-t2/source.json`), 'utf8')).cases[0].classes.brain;
  const [whole, extent] = [brain('whole'), brain('extent')];
  expect(extent.truthMl).toBe(whole.truthMl);
  expect(extent.predictionMl).toBeLessThan(whole.predictionMl);
  expect(extent.surfaceDice).not.toBe(whole.surfaceDice);
  expect(extent.surfaceDiceOnSlices).not.toBe(whole.surfaceDiceOnSlices);
});

describe('a recipe', () => {
  it('carries its tasks, in order, each with what its files are called', () => {
    const { tasks } = recipeOf({ seeds: [7] });
    expect(tasks.map(({ path }) => path)).toEqual(
      ['source', 'adabn', 'udas'].map((method) => `seed7/philips-t2/${method}`),
    );
    expect(errorOf(() => recipeOf({ methods: ['udas', { method: 'udas' }] })).code).toBe('RECIPE_INVALID');
  });
});
