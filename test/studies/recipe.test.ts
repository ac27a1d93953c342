/** Recipes: what is filled in, what overrules what, and how mistakes are told. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  parseAdaptationRecipe,
  readAdaptationRecipe,
  readAnyRecipe,
  readSavedRecipe,
} from '../../src/studies/index.js';
import { root } from '../child.js';
import { errorOf } from '../graft-error.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-recipe-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (content: string) => {
  const file = join(folder, 'recipe.yaml');
  writeFileSync(file, content);
  return file;
};

const least = { source: 'a', targets: ['b'] };
const recipeOf = (extra: object = {}) => parseAdaptationRecipe({ ...least, ...extra }, 'x.yaml');

describe('a recipe', () => {
  it('needs a source and targets only', () => {
    const recipe = recipeOf();
    expect(recipe).toMatchObject({ seeds: [1], split: { target: { adapt: 0.5, test: 0.5 } } });
    expect(recipe.training).toMatchObject({ epochs: 20, augmentation: { flip: 0.5 } });
    expect(recipe.variants.map(({ name }) => name)).toEqual([
      'source',
      'adabn',
      'alpha-bn',
      'self-training',
      'udas',
      'udas-convlora',
      'convlora',
      'convlora-adabn',
      'convlora-alpha-bn',
      'noisy-student',
    ]);
    expect(recipeOf({ training: { augmentation: null } }).training.augmentation).toBeNull();
  });

  it('has the settings of each method where it names none, and what it names always holds', () => {
    const methods = [
      'noisy-student',
      'convlora',
      { name: 'brief', method: 'noisy-student', epochs: 2 },
      { name: 'usual' },
    ];
    const recipe = recipeOf({ methods });
    expect(recipe.variants).toMatchObject([
      { method: 'noisy-student', epochs: 30, lr: 1e-3 },
      { method: 'convlora', epochs: 5, lr: 1e-4 },
      { method: 'noisy-student', epochs: 2, lr: 1e-3 },
      { method: 'convlora-adabn', epochs: 5, lr: 1e-4 },
    ]);
    // Written out, as a run keeps them, they are read as the same settings.
    expect(recipe.methods[2]).toMatchObject({ epochs: 2, lr: 1e-3 });
    expect(JSON.stringify(recipeOf({ methods: recipe.methods }).variants)).toBe(JSON.stringify(recipe.variants));
  });

  it('of an earlier version is read, unless it asks for what is no longer there', () => {
    const old = write('source: a\ntargets: [b]\nreport: { surfaces: false }\n');
    expect(readAdaptationRecipe(old)).toMatchObject({ source: 'a', names: 'pseudonym' });
    const asking = write('source: a\ntargets: [b]\nreport: { surfaces: true }\n');
    const error = errorOf(() => readAdaptationRecipe(asking));
    expect(error.code).toBe('RECIPE_INVALID');
    expect(error.message).toContain('report: this key was removed');
    // In the folder of a finished run it stops nobody from comparing the run.
    expect(readSavedRecipe(asking).recipe).toMatchObject({ source: 'a' });
  });

  it('is overruled by dotted keys, into what is not there and into lists too', () => {
    const file = write('source: a\ntargets: [b]\nmethods: [{ method: convlora, rank: 2 }, adabn]\n');
    const recipe = readAdaptationRecipe(file, {
      'training.augmentation.flip': 0,
      'methods.0.rank': 4,
      seeds: [5],
      title: 'T',
    });
    expect(recipe.training.augmentation).toMatchObject({ flip: 0, rotate: 10 });
    expect(recipe.variants.map(({ rank }) => rank)).toEqual([4, 2]);
    expect(recipe).toMatchObject({ seeds: [5], title: 'T' });
    expect(errorOf(() => readAdaptationRecipe(file, { 'training.epocs': 1 })).message).toContain(
      'did you mean epochs?',
    );
  });

  it.each(readdirSync(join(root, 'recipes')))('of ours, %s, is valid', (name) => {
    const { recipe } = readAnyRecipe(join(root, 'recipes', name));
    expect(recipe.variants).not.toHaveLength(0);
  });
});

describe('a grid', () => {
  it('is the product of its lists, each with a name of its own', () => {
    const grid = { method: 'convlora', rank: [2, 4], blocks: [['init_path'], ['down2', 'down3']], epochs: [1, 0] };
    const found = recipeOf({ methods: ['source'], grid }).variants;
    expect(found.map(({ name }) => name).slice(0, 3)).toEqual([
      'source',
      'convlora_blocks-init_path_rank-2_epochs-1',
      'convlora_blocks-init_path_rank-2_epochs-0',
    ]);
    const made = found.slice(1).map(({ rank, blocks, epochs }) => JSON.stringify([rank, blocks, epochs]));
    const product = grid.rank.flatMap((rank) =>
      grid.blocks.flatMap((blocks) => grid.epochs.map((epochs) => JSON.stringify([rank, blocks, epochs]))),
    );
    expect(made.sort()).toEqual(product.sort());
    expect(new Set(found.map(({ name }) => name)).size).toBe(9);
  });
});

describe('an unknown key', () => {
  it.each<[object, string, string]>([
    [{ sorce: 'a' }, 'sorce', 'source'],
    [{ data: { rot: 'x' } }, 'data.rot', 'root'],
    [{ data: { phantom: { sed: 1 } } }, 'data.phantom.sed', 'seed'],
    [{ split: { target: { adpt: 1, test: 1 } } }, 'split.target.adpt', 'adapt'],
    [{ architecture: { filter: 2 } }, 'architecture.filter', 'filters'],
    [{ preprocessing: { axs: 'axial' } }, 'preprocessing.axs', 'axis'],
    [{ preprocessing: { intensity: { kind: 'percentile', lw: 1 } } }, 'preprocessing.intensity.lw', 'low'],
    [{ training: { epoch: 1 } }, 'training.epoch', 'epochs'],
    [{ training: { augmentation: { flp: 1 } } }, 'training.augmentation.flp', 'flip'],
    [{ methods: ['adabn', { method: 'convlora', rnk: 2 }] }, 'methods.1.rnk', 'rank'],
    [{ methods: [{ metod: 'adabn' }] }, 'methods.0.metod', 'method'],
    [{ grid: { rnk: [2] } }, 'grid.rnk', 'rank'],
  ])('%j is named, and the nearest known one', (extra, key, nearest) => {
    const { code, exitCode, message, hint } = errorOf(() => recipeOf(extra));
    expect({ code, exitCode }).toEqual({ code: 'RECIPE_UNKNOWN_KEY', exitCode: 2 });
    expect(message).toBe(`x.yaml: the key ${key} is unknown; did you mean ${nearest}?`);
    expect(hint).toMatch(new RegExp(`\\b${nearest}\\b`));
  });
});

describe('a wrong value', () => {
  it.each<[object, string, RegExp]>([
    [{ split: { target: { adapt: 1, test: 1, folds: 2 } } }, 'split.target', /either folds or both adapt and test/],
    [{ split: { target: { adapt: 1 } } }, 'split.target', /either folds or both/],
    [{ split: { target: { folds: 1 } } }, 'split.target.folds', />=2/],
    [{ oracle: {}, methods: [{ method: 'udas', name: 'oracle' }] }, 'methods', /oracle is there twice/],
    [{ scored: 'labelled' }, 'scored', /"labelled-extent"/],
    [{ source: null }, 'source', /expected string/],
    [{ targets: [] }, 'targets', /at least 1|>=1/],
    [{ seeds: 1 }, 'seeds', /expected array/],
    [{ architecture: { filters: '8' } }, 'architecture.filters', /expected number, received string/],
    [{ training: { augmentation: { flip: 'a' } } }, 'training.augmentation.flip', /expected number/],
    [{ training: { diceWeight: 2 } }, 'training.diceWeight', /<=1/],
    [{ preprocessing: { intensity: { kind: 'perc' } } }, 'preprocessing.intensity.kind', /percentile/],
    [{ preprocessing: { size: [30, 30] } }, 'preprocessing.size', /multiples/],
    [{ methods: ['convlra'] }, 'methods.0', /"convlora"/],
    [{ methods: [{ method: 'convlra' }] }, 'methods.0.method', /"convlora"/],
    [{ methods: [{ rank: 'x' }] }, 'methods.0.rank', /expected number/],
    [{ methods: [{ name: 'a/b' }] }, 'methods.0.name', /it holds \/\.$/],
    [{ grid: { blocks: [['ini_path']] } }, 'grid.blocks.0.0', /"init_path"/],
    [{ methods: ['udas', { method: 'udas', epochs: 9 }] }, 'methods', /udas is there twice/],
    [{ grid: { rank: [2, 2] } }, 'methods', /convlora-adabn_rank-2 is there twice/],
    [{ seeds: [1, 2, 1] }, 'seeds', /1 is there twice/],
    [{ targets: ['b', 'b'] }, 'targets', /b is there twice/],
    [{ classes: ['a', 'a'] }, 'classes', /a is there twice/],
    [{ targets: ['b', 'a'] }, 'targets', /a is the source/],
  ])('%j names its dotted key', (extra, key, problem) => {
    const { code, exitCode, message } = errorOf(() => recipeOf(extra));
    expect({ code, exitCode }).toEqual({ code: 'RECIPE_INVALID', exitCode: 2 });
    expect(message.startsWith(`x.yaml: ${key}: `), message).toBe(true);
    expect(message).toMatch(problem);
  });

  it('is found before training where a method could not work', () => {
    const methods = [{ method: 'convlora', blocks: ['up1'] }];
    expect(errorOf(() => recipeOf({ methods })).code).toBe('BLOCKS_UNREACHED');
    expect(() => recipeOf({ methods: [{ ...methods[0], detach: false }] })).not.toThrow();
  });

  it('is found where a method or the grid names what the method has no use for', () => {
    for (const asked of [
      { methods: [{ method: 'adabn', rank: 4 }] },
      { grid: { method: 'source', blocks: [['down1']] } },
    ])
      expect(errorOf(() => recipeOf(asked)).code).toBe('METHOD_OPTIONS');
    // As runs write them, with all defaults.
    const { variants } = recipeOf({ methods: ['source', 'adabn', 'udas', 'self-training'] });
    const written = variants.map(({ label: _, ...method }) => JSON.parse(JSON.stringify(method)));
    expect(recipeOf({ methods: written }).variants.map(({ rank }) => rank)).toEqual([2, 2, 2, 2]);
  });
});

describe('a file that is no recipe', () => {
  it.each<[string, RegExp]>([
    ['source: [a\ntargets: {', /line \d/],
    ['source: a\nsource: b\n', /unique/],
    ['- a\n- b\n', /keys and values/],
    ['hello', /keys and values/],
  ])('%j is told', (content, reason) => {
    const { code, exitCode, message } = errorOf(() => readAdaptationRecipe(write(content)));
    expect({ code, exitCode }).toEqual({ code: 'RECIPE_UNREADABLE', exitCode: 2 });
    expect(message).toMatch(reason);
    expect(message).not.toContain('\n');
  });

  it('that is missing is told, and an empty one lacks its first key', () => {
    const { code, message } = errorOf(() => readAdaptationRecipe(join(folder, 'none.yaml')));
    expect(code).toBe('RECIPE_UNREADABLE');
    expect(message).toContain('none.yaml');
    expect(errorOf(() => readAdaptationRecipe(write(''))).message).toContain(': source: ');
  });
});
