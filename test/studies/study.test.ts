/** What the runner of studies does once where it could do it often, and what it leaves to go on from. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { generatePhantoms } from '../../src/data/index.js';
import { adaptationStudy, parseAdaptationRecipe, runStudy } from '../../src/studies/index.js';
import { errorOf } from '../graft-error.js';
import { recipe } from './tiny.js';

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
      [1, 2].flatMap((seed) => ['philips-t2', 'ge-t1'].map((target) => `seed ${seed}: ${target}: read 2 cases`)),
    );
  }, 120_000);

  it('that is done opens nothing when it is asked for again', async () => {
    const changes = { targets: ['philips-t2', 'ge-t1'], seeds: [1, 2] };
    expect(await tasksOf(changes, 'targets', { resume: true })).toEqual(['report']);
  });

  it('whose data do not suit it leaves no folder', async () => {
    await expect(tasksOf({ targets: ['philips-t9'] }, 'none')).rejects.toMatchObject({ code: 'DATASET_UNKNOWN_SITE' });
    expect(existsSync(at('none'))).toBe(false);
  });
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
