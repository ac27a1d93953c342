/**
 * The federated experiment's recipe: sites, training plans and regimes as one typed YAML file. Every plan is run in every
 * regime; a plan can be given settings that differ from the recipe's, and a name of its own.
 */
import { z } from 'zod';
import { preprocessingSchema, type WindowConfig, windowSchema } from '../../data/index.js';
import { aggregations, checkFederation, type Federation, federationSchema, isPlainLora } from '../../federate/index.js';
import { type LocalTrainingConfig, localTrainingSchema, pretrainingSchema } from '../../finetune/index.js';
import { defaultSizes, familyOfSize, type NetworkFamily, sizeNames } from '../../networks/index.js';
import type { TrainingPlan } from '../../peft/index.js';
import type { Regime } from '../../report/index.js';
import { dataKeys, runKeys, seedKeys } from '../common-keys.js';
import { runError } from '../errors.js';
import { checkDistinct, fileNameSchema, parseContent, readContent } from '../parse.js';
import type { Task } from '../tasks.js';

const share = z.number().positive();
/** The seed is the run's. */
const roundsSchema = federationSchema.omit({ seed: true });

/** A schema's keys, none of them needed and none with a default: what a part of a recipe overrules. */
function overruling<Schema extends z.ZodObject>(schema: Schema) {
  const shape = Object.entries(schema.shape as Record<string, z.ZodType>).map(([key, field]) => {
    const inner = field instanceof z.ZodDefault || field instanceof z.ZodPrefault ? field.def.innerType : field;
    const { description = '' } = field;
    return [key, (inner as z.ZodType).optional().describe(description)] as const;
  });
  return z.strictObject(Object.fromEntries(shape)) as unknown as z.ZodType<Partial<z.output<Schema>>>;
}

export const regimeNames = ['local', 'centralised', 'federated'] as const satisfies Regime[];
/** One of `regimeNames`. */
export type { Regime };

const regimesSchema = z.array(z.enum(regimeNames)).min(1);

/** Read by the schema of the network's family. */
const optionsSchema = z.record(z.string(), z.unknown());

const variantSchema = z.strictObject({
  plan: z.string().describe('what is trained and what travels'),
  name: fileNameSchema.optional().describe('in tables and file names; default: the plan'),
  adapter: optionsSchema.optional().describe('settings that differ from the recipe’s `adapter`'),
  training: overruling(localTrainingSchema).optional().describe('settings that differ from the recipe’s `training`'),
  federation: overruling(roundsSchema).optional().describe('settings that differ from the recipe’s `federation`'),
  regimes: regimesSchema.optional().describe('in place of the recipe’s'),
});

export const federationRecipeSchema = z.strictObject({
  title: z.string().optional().describe('heading of the report; default: it names the network’s family'),
  ...dataKeys,
  sites: z.array(fileNameSchema).min(1).describe('folders of the data set that take part'),
  maxCases: z.int().min(3).optional().describe('only the first cases of every site, for a short demonstration'),
  groupBy: z
    .string()
    .optional()
    .describe('regular expression on the names of cases; its first capture is the patient, who is never split'),
  split: z
    .strictObject({ train: share, validation: z.number().min(0), test: share })
    .default({ train: 0.6, validation: 0.15, test: 0.25 })
    .describe(
      'shares of every site’s patients, or whole numbers of them; validation: 0 looks at no case after a round',
    ),
  ...seedKeys,
  model: z
    .object({
      architecture: z
        .enum(sizeNames as [string, ...string[]])
        .default(defaultSizes.foundation)
        .describe('size of the network'),
      checkpoint: z
        .string()
        .optional()
        .describe(
          'what training starts from: .pth or safetensors of segment-anything, MedSAM or "graft pretrain"; of a U-Net a model of the same size',
        ),
      pretrain: pretrainingSchema.prefault({}).describe('how a foundation is made where no checkpoint is given'),
    })
    .catchall(z.unknown())
    .prefault({})
    .describe('the network, with the settings of its family'),
  preprocessing: preprocessingSchema.prefault({}).describe('the slices have the size of the model’s images'),
  windows: overruling(windowSchema).default({}).describe('what is not given is as the network’s family has it'),
  plans: z
    .array(z.union([z.string(), variantSchema]))
    .min(1)
    .default([])
    .describe('default: the family’s usual one; names, or objects that change a plan’s settings'),
  adapter: optionsSchema.default({}).describe('the low-rank adapter of the plans that have one'),
  regimes: regimesSchema.default([...regimeNames]).describe('each site alone, all cases in one place, in rounds'),
  training: localTrainingSchema.prefault({}).describe('at every site; one epoch a round'),
  epochs: z.int().min(1).optional().describe('of the local and the centralised regime; default: as many as rounds'),
  keep: z
    .enum(['last', 'best'])
    .default('last')
    .describe('the round or epoch that is scored: the last, or the one with the best mean Dice on validation cases'),
  federation: roundsSchema.prefault({}),
  ...runKeys,
});
type Keys = z.output<typeof federationRecipeSchema> & { title: string; windows: WindowConfig };
export interface FederationRecipe extends Keys {
  /** The plans with their names and all their settings. */
  variants: Variant[];
  /** All that the recipe asks for, in order; a task that variants share is there for each. */
  tasks: RegimeTask[];
}

/** A plan with all its settings. */
export interface Variant {
  name: string;
  label: string;
  plan: string;
  /** Of the plan's adapter, as the family's schema reads them. */
  adapter: Record<string, unknown>;
  training: LocalTrainingConfig;
  federation: Omit<Federation, 'seed'>;
  regimes: Regime[];
}

/** One model that a regime trains. */
export interface RegimeTask
  extends Task<{
    seed: number;
    /** The variant's name; of training without rounds that of the first of those which share the model. */
    plan: string;
    regime: Regime;
    /** The site that trained alone; null: all sites. */
    site: string | null;
  }> {
  /** The one that asks for it. */
  variant: Variant;
}

/**
 * Reads a recipe of a `federationStudy`.
 *
 * @param overrides values by dotted key (`federation.rounds`), as the command line gives them
 * @throws GraftError RECIPE_UNREADABLE, RECIPE_OTHER_KIND, RECIPE_UNKNOWN_KEY, RECIPE_INVALID, AGGREGATION_UNSUITED
 */
export function readFederationRecipe(file: string, overrides: Record<string, unknown> = {}): FederationRecipe {
  const content = readContent(file, overrides);
  if ('source' in content && !isFederation(content)) throw runError('RECIPE_OTHER_KIND', { file });
  return parseFederationRecipe(content, file);
}

/** As `readFederationRecipe`, from what a file holds. @param file named in errors */
export function parseFederationRecipe(content: unknown, file: string): FederationRecipe {
  const recipe = ofFamily(parseContent(federationRecipeSchema, content, file), file);
  const family = familyOfSize(recipe.model.architecture);
  const { sites, seeds, regimes } = recipe;
  const variants = variantsOf(recipe, file);
  checkDistinct({ sites, seeds, regimes, plans: variants.map(({ name }) => name) }, file);
  if (recipe.split.validation === 0 && recipe.keep === 'best')
    throw runError('RECIPE_INVALID', { file, key: 'keep', problem: 'best needs validation cases, and split has none' });
  for (const { name, plan, federation, adapter } of variants) {
    checkFederation({ ...federation, seed: 0 });
    const across = family.plans[plan].across?.(adapter) ?? recipe.windows.slices;
    if (across !== recipe.windows.slices)
      throw runError('RECIPE_INVALID', {
        file,
        key: 'adapter.slices',
        problem: `${name} looks across windows of ${across} slices, but windows.slices is ${recipe.windows.slices}`,
      });
    if (aggregations[federation.aggregation].corrects && !isPlainLora(adapter))
      throw runError('RECIPE_INVALID', {
        file,
        key: 'federation.aggregation',
        problem: `${federation.aggregation} corrects the weights for one plain LoRA a layer, which the adapter of ${name} is not`,
      });
    const { minSites } = federation;
    if (minSites > sites.length)
      throw runError('RECIPE_INVALID', {
        file,
        key: 'federation.minSites',
        problem: `${minSites} sites are needed for a round, but ${sites.length} are named`,
      });
  }
  return { ...recipe, variants, tasks: tasksOf(recipe, variants) };
}

/**
 * What the variants ask for. Without rounds the settings of the rounds do not matter: variants that differ in nothing else
 * share the models of the first of them.
 */
function tasksOf({ seeds, sites, epochs }: Keys, variants: readonly Variant[]): RegimeTask[] {
  const settings = variants.map(({ plan, adapter, training, federation }) =>
    JSON.stringify([plan, adapter, training, epochs ?? federation.rounds]),
  );
  const owners = settings.map((one) => variants[settings.indexOf(one)].name);
  const taskOf = (seed: number, variant: Variant, plan: string, regime: Regime, site: string | null): RegimeTask => ({
    key: { seed, plan, regime, site },
    path: [`seed${seed}`, plan, regime, ...(site === null ? [] : [site])].join('/'),
    name: `seed ${seed}: ${plan}, ${site === null ? regime : `${site} alone`}`,
    entry: `${variant.name}/${regime}`,
    ...{ splits: sites, counts: site === null ? sites : [site], shared: plan !== variant.name },
    variant,
  });
  return seeds.flatMap((seed) =>
    variants.flatMap((variant, i) =>
      variant.regimes.flatMap((regime) => {
        const plan = regime === 'federated' ? variant.name : owners[i];
        return (regime === 'local' ? sites : [null]).map((site) => taskOf(seed, variant, plan, regime, site));
      }),
    ),
  );
}

/** Whether a recipe's content is of this kind. */
export const isFederation = (content: Record<string, unknown>): boolean =>
  'sites' in content || ('plans' in content && !('source' in content));

/** @throws GraftError RECIPE_INVALID */
function variantsOf({ plans: listed, adapter, training, federation, regimes, model }: Keys, file: string): Variant[] {
  const family = familyOfSize(model.architecture);
  return listed.map((entry, i) => {
    const variant: z.output<typeof variantSchema> = typeof entry === 'string' ? { plan: entry } : entry;
    const { plan, name = plan } = variant;
    const { label } = planOfRecipe(family, plan, {
      file,
      key: typeof entry === 'string' ? `plans.${i}` : `plans.${i}.plan`,
    });
    return {
      ...{ name, plan, label: name === plan ? label : name },
      adapter: adapterOf(family, { ...adapter, ...variant.adapter }, file),
      training: { ...training, ...variant.training } as LocalTrainingConfig,
      federation: { ...federation, ...variant.federation } as Variant['federation'],
      regimes: variant.regimes ?? regimes,
    };
  });
}

/** The network that the sites train. */
export function networkOf({ model, classes }: Keys): { family: NetworkFamily; config: unknown } {
  const { architecture, checkpoint: _, pretrain: __, ...settings } = model;
  const family = familyOfSize(architecture);
  return { family, config: family.configure(architecture, classes.length, settings) };
}

/** The recipe with what its network's family reads (its settings, the adapter's options) and has defaults for. */
function ofFamily(recipe: z.output<typeof federationRecipeSchema>, file: string): Keys {
  const { architecture, checkpoint, pretrain, ...rest } = recipe.model;
  const family = familyOfSize(architecture);
  const { model } = parseContent(z.strictObject({ model: family.settings }), { model: rest }, file);
  const { title = `Federated fine-tuning of ${family.title}`, ...others } = recipe;
  return {
    ...{ title, ...others },
    windows: { ...family.windows, ...recipe.windows },
    model: { architecture, ...model, ...(checkpoint !== undefined && { checkpoint }), pretrain },
    plans: recipe.plans.length > 0 ? recipe.plans : [family.defaultPlan],
    adapter: adapterOf(family, recipe.adapter, file),
  };
}

const adapterOf = (family: NetworkFamily, options: Record<string, unknown>, file: string) =>
  parseContent(z.strictObject({ adapter: family.adapter }), { adapter: options }, file).adapter as Record<
    string,
    unknown
  >;

/** @throws GraftError RECIPE_INVALID */
function planOfRecipe(
  { title, plans }: NetworkFamily,
  plan: string,
  place: { file: string; key: string },
): TrainingPlan {
  if (Object.hasOwn(plans, plan)) return plans[plan];
  const known = Object.keys(plans).join(', ');
  throw runError('RECIPE_INVALID', { ...place, problem: `${title} has no plan ${plan}, but ${known}` });
}
