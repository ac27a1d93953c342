/** Federated recipes: what is filled in, what a plan overrules, and how mistakes are told. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type FederationRecipe, parseFederationRecipe, readAnyRecipe } from '../../../src/studies/index.js';
import { root } from '../../child.js';
import { errorOf } from '../../graft-error.js';
import { recipe as tiny } from './tiny.js';

const recipeOf = (extra: object = {}) => parseFederationRecipe({ sites: ['a', 'b'], ...extra }, 'x.yaml');

/** What each variant asks for, by the names of its tasks. */
const tasksIn = ({ variants, tasks }: FederationRecipe) =>
  variants.map((variant) => tasks.filter((task) => task.variant === variant).map(({ key }) => key));

const errorIn = (extra: object) => errorOf(() => recipeOf(extra));

describe('a federated recipe', () => {
  it('needs sites only', () => {
    const recipe = recipeOf();
    expect(recipe).toMatchObject({ plans: ['flap-sam'], regimes: ['local', 'centralised', 'federated'], seeds: [1] });
    const [{ training, federation, adapter }] = recipe.variants;
    expect({ lr: training.lr, rounds: federation.rounds, rank: adapter.rank }).toEqual({
      lr: 8e-4,
      rounds: 25,
      rank: 32,
    });
    expect(federation).not.toHaveProperty('seed');
  });

  it('lets a plan choose its regimes; the others have the recipe’s', () => {
    const recipe = recipeOf({
      regimes: ['local', 'federated'],
      plans: ['lora', { plan: 'full', regimes: ['federated'] }],
    });
    expect(tasksIn(recipe).map((keys) => keys.map(({ regime, site }) => [regime, site]))).toEqual([
      [
        ['local', 'a'],
        ['local', 'b'],
        ['federated', null],
      ],
      [['federated', null]],
    ]);
  });

  it('lets a plan overrule settings, and nothing else of them', () => {
    const [first, second] = recipeOf({
      adapter: { rank: 4 },
      training: { lr: 1e-3, batch: 3 },
      federation: { rounds: 7, aggregation: 'mean' },
      plans: [
        'lora',
        { plan: 'lora', name: 'other', adapter: { scale: 2 }, training: { lr: 0.1 }, federation: { wire: 'bf16' } },
      ],
    }).variants;
    expect(first).toMatchObject({ name: 'lora', adapter: { rank: 4, scale: 1 }, federation: { wire: 'fp32' } });
    expect(second).toMatchObject({
      ...{ name: 'other', plan: 'lora', adapter: { rank: 4, scale: 2 }, training: { lr: 0.1, batch: 3 } },
      federation: { rounds: 7, aggregation: 'mean', wire: 'bf16' },
    });
  });

  it('trains once what differs in the rounds alone', () => {
    const recipe = recipeOf({
      plans: [
        'lora',
        { plan: 'lora', name: 'int8', federation: { wire: 'int8' } },
        { plan: 'lora', name: 'r4', adapter: { rank: 4 } },
      ],
    });
    const tasks = tasksIn(recipe).map((keys) =>
      keys.map(({ plan, regime, site }) => `${plan} ${regime} ${site ?? ''}`.trim()),
    );
    const alone = (plan: string) => [`${plan} local a`, `${plan} local b`, `${plan} centralised`];
    expect(tasks).toEqual([
      [...alone('lora'), 'lora federated'],
      [...alone('lora'), 'int8 federated'],
      [...alone('r4'), 'r4 federated'],
    ]);
    const longer = recipeOf({ plans: ['lora', { plan: 'lora', name: 'long', federation: { rounds: 3 } }] });
    expect(tasksIn(longer)[1].every(({ plan }) => plan === 'long')).toBe(true);
  });

  it.each(readdirSync(join(root, 'recipes')))('of ours or of the other kind, %s, is known by its keys', (name) => {
    const { kind, recipe } = readAnyRecipe(join(root, 'recipes', name));
    expect(kind).toBe('sites' in recipe ? 'federation' : 'adaptation');
  });

  it.each<[string, object, string, RegExp]>([
    ['a misspelt key', { trainig: {} }, 'RECIPE_UNKNOWN_KEY', /did you mean training/],
    [
      'a misspelt key of a plan',
      { plans: [{ plan: 'lora', federation: { wires: 'int8' } }] },
      'RECIPE_UNKNOWN_KEY',
      /plans\.0\.federation\.wires.*did you mean wire\?/,
    ],
    ['an unknown plan', { plans: ['flapsam'] }, 'RECIPE_INVALID', /plans\.0/],
    ['two sites of one name', { sites: ['a', 'a'] }, 'RECIPE_INVALID', /sites: a is there twice/],
    ['two plans of one name', { plans: ['lora', { plan: 'lora' }] }, 'RECIPE_INVALID', /plans: lora is there twice/],
    ['an image size', { model: { imageSize: 100 } }, 'RECIPE_INVALID', /model\.imageSize: .*multiple of 16/],
    ['too few sites', { federation: { minSites: 3 } }, 'RECIPE_INVALID', /minSites: 3 sites .* 2 are named/],
    ['a name that is a path', { plans: [{ plan: 'lora', name: 'a/b' }] }, 'RECIPE_INVALID', /file name/],
    ['median of exact products', { federation: { robust: 'median' } }, 'AGGREGATION_UNSUITED', /product-svd/],
    [
      'DoRA twice',
      { adapter: { kind: 'dora' }, plans: [{ plan: 'lora', adapter: { count: 2 } }] },
      'RECIPE_INVALID',
      /count: must be 1/,
    ],
    ['windows of two sizes', { windows: { slices: 3 }, plans: ['ma-sam'] }, 'RECIPE_INVALID', /windows\.slices is 3/],
    [
      'fedex of several LoRAs',
      { adapter: { count: 2 }, federation: { aggregation: 'fedex' } },
      'RECIPE_INVALID',
      /fedex/,
    ],
  ])('refuses %s', (_, extra, code, message) => {
    expect(errorIn(extra)).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('is read from YAML as it is written', () => {
    expect(parseFederationRecipe(parse(tiny), 'tiny.yaml').variants.map(({ name }) => name)).toEqual([
      'flap-sam',
      'small',
    ]);
  });
});
