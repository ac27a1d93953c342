/**
 * The settings of one training or one adaptation: the keys that it has in common with a recipe, under the same names and of
 * the same types, whether a recipe, an option or `--set` gives them.
 */
import { z } from 'zod';
import { adaptationSchema } from '../adapt/index.js';
import type { WindowConfig } from '../data/index.js';
import { fineTuningSchema } from '../finetune/index.js';
import { familyOfSize } from '../networks/index.js';
import { recipeSchema } from './adaptation/recipe.js';
import type { dataSchema } from './dataset.js';
import { runError } from './errors.js';
import { federationRecipeSchema } from './federation/recipe.js';
import { readAnyRecipe } from './kinds.js';
import { parseContent, readContent, setByPath } from './parse.js';

const share = z.number().positive();
const split = z
  .strictObject({ train: share, validation: z.number().min(0), test: z.number().min(0).default(0) })
  .default({ train: 0.85, validation: 0.15, test: 0 })
  .describe('for training, for choosing the epoch, for the score: shares of the patients, or whole numbers of them');
const { classes, toleranceMm, network, architecture, preprocessing, postprocessing, training, sourceGroupBy } =
  recipeSchema.shape;

/** Of `graft train` for a whole network and its early heads. */
export const sourceSettingsSchema = z.strictObject({
  classes,
  split: z.strictObject({ source: split }).prefault({}),
  ...{ sourceGroupBy, toleranceMm, network, architecture, preprocessing, postprocessing, training },
});
export type SourceSettings = z.output<typeof sourceSettingsSchema>;

const federated = federationRecipeSchema.shape;

/** Of `graft train` for a part of a network, by a plan. */
export const partSettingsSchema = z.strictObject({
  classes,
  split,
  groupBy: federated.groupBy,
  toleranceMm,
  model: federated.model.unwrap().omit({ pretrain: true }).catchall(z.unknown()).prefault({}),
  ...{ preprocessing, windows: federated.windows, adapter: federated.adapter, training: federated.training },
  plan: z.string().default('').describe('what is trained; default: the family’s usual plan'),
  ...{ epochs: fineTuningSchema.shape.epochs, keep: fineTuningSchema.shape.keep },
  patience: fineTuningSchema.shape.patience,
});
export type PartSettings = z.output<typeof partSettingsSchema> & { windows: WindowConfig };

/** Of `graft adapt`. */
export const adaptSettingsSchema = adaptationSchema.extend({ toleranceMm });
export type AdaptSettings = z.output<typeof adaptSettingsSchema>;

/** What a recipe says for a single command. */
export interface FromRecipe {
  settings: Record<string, unknown>;
  /** How its data set lies. */
  data: z.output<typeof dataSchema>;
  /** The sites that it trains on. */
  sites: string[];
  /** Its first. */
  seed: number;
}

/** Whether a whole network is trained, or a part of one. */
export type TrainingKind = 'source' | 'part';

/** The network that a recipe trains: a `--model`. @throws GraftError as `readAdaptationRecipe` */
export function networkIn(file: string): string {
  const { kind, recipe } = readAnyRecipe(file);
  return kind === 'adaptation' ? recipe.network : recipe.model.architecture;
}

const wholeNetwork = 'a whole network on a source';
const partOfNetwork = 'a part of a network, by a plan';

/**
 * What a recipe says of one training.
 *
 * @param plan of a part: the name of one of the recipe's plans; default: its first
 * @throws GraftError as `readAdaptationRecipe`; RECIPE_OTHER_NETWORK
 */
export function trainingOf(file: string, training: TrainingKind, plan?: string): FromRecipe {
  const { kind, recipe } = readAnyRecipe(file);
  const content = readContent(file);
  if (kind === 'adaptation') {
    if (training !== 'source')
      throw runError('RECIPE_OTHER_NETWORK', { file, trains: wholeNetwork, asked: partOfNetwork });
    const settings = pick(content, sourceSettingsSchema);
    const own = { split: { source: recipe.split.source } };
    return { settings: { ...settings, ...own }, data: recipe.data, sites: [recipe.source], seed: recipe.seeds[0] };
  }
  if (training === 'source')
    throw runError('RECIPE_OTHER_NETWORK', { file, trains: partOfNetwork, asked: wholeNetwork });
  const { variants } = recipe;
  const variant =
    variants.find(({ name }) => name === plan) ?? variants.find((one) => one.plan === plan) ?? variants[0];
  const { pretrain: _, ...model } = recipe.model;
  const own = {
    model,
    split: recipe.split,
    plan: plan ?? variant.plan,
    adapter: variant.adapter,
    training: variant.training,
  };
  const settings = { ...pick(content, partSettingsSchema), ...own, keep: recipe.keep };
  const epochs = recipe.epochs ?? variant.federation.rounds;
  return { settings: { ...settings, epochs }, data: recipe.data, sites: recipe.sites, seed: recipe.seeds[0] };
}

/**
 * What a recipe says of one adaptation: the settings of its method of this name, or of this kind.
 *
 * @param asked default: the usual method of the recipe's network
 * @throws GraftError as `readAdaptationRecipe`; RECIPE_OTHER_NETWORK
 */
export function adaptationOf(file: string, asked: string | undefined): Omit<FromRecipe, 'sites'> {
  const { kind, recipe } = readAnyRecipe(file);
  if (kind !== 'adaptation')
    throw runError('RECIPE_OTHER_NETWORK', { file, trains: partOfNetwork, asked: 'an adaptation without labels' });
  const { variants } = recipe;
  const method = asked ?? familyOfSize(recipe.network).defaultMethod;
  const found = variants.find(({ name }) => name === method) ?? variants.find((one) => one.method === method);
  const { name: _, label: __, ...config } = found ?? { name: '', label: '', method };
  const settings = { ...config, toleranceMm: recipe.toleranceMm };
  return { settings, data: recipe.data, seed: recipe.seeds[0] };
}

/**
 * Settings with what is given by dotted key above a recipe's, validated, with defaults filled in.
 *
 * @param command named where a key belongs to a whole experiment
 * @throws GraftError RECIPE_UNKNOWN_KEY, RECIPE_INVALID, SETTING_ELSEWHERE
 */
export function readSettings<Schema extends z.ZodObject>(
  schema: Schema,
  recipe: Record<string, unknown>,
  given: Record<string, unknown>,
  command: string,
): z.output<Schema> {
  const content = structuredClone(recipe);
  for (const [key, value] of Object.entries(given)) {
    const [top] = key.split('.');
    if (!(top in schema.shape) && (top in recipeSchema.shape || top in federated))
      throw runError('SETTING_ELSEWHERE', { key, command, hint: placeOf(top, command) });
    setByPath(content, key.split('.'), value);
  }
  return parseContent(schema, content, 'the command line');
}

/**
 * The settings of a training with what only the network's family can read.
 * @throws GraftError RECIPE_UNKNOWN_KEY, RECIPE_INVALID
 */
export function ofSourceFamily(settings: SourceSettings): SourceSettings {
  const { settings: own } = familyOfSize(settings.network);
  const { architecture } = parseContent(
    z.strictObject({ architecture: own }),
    { architecture: settings.architecture },
    'the command line',
  );
  return { ...settings, architecture };
}

/** As `ofSourceFamily`, of a part. */
export function ofPartFamily({
  model: { architecture, checkpoint, ...rest },
  ...settings
}: z.output<typeof partSettingsSchema>): PartSettings {
  const family = familyOfSize(architecture);
  const own = z.strictObject({ model: family.settings, adapter: family.adapter });
  const read = parseContent(own, { model: rest, adapter: settings.adapter }, 'the command line');
  return {
    ...settings,
    plan: settings.plan || family.defaultPlan,
    windows: { ...family.windows, ...settings.windows },
    model: { architecture, ...read.model, ...(checkpoint !== undefined && { checkpoint }) },
    adapter: read.adapter as Record<string, unknown>,
  };
}

/** Where a key of recipes belongs that the command does not have. */
function placeOf(key: string, command: string): string {
  if (command === 'graft adapt' && key in sourceSettingsSchema.shape)
    return 'The model brings its own, with which it was trained: set it on "graft train".';
  return 'It belongs to a whole experiment ("graft run", "graft federate"), or to another network.';
}

const pick = (content: Record<string, unknown>, { shape }: z.ZodObject): Record<string, unknown> =>
  Object.fromEntries(Object.entries(content).filter(([key]) => key in shape));
