/** The adaptation experiment's recipe: a whole experiment as one typed YAML file. */
import { z } from 'zod';
import {
  adaptationSchema,
  methodLabel,
  methodNames,
  resolveMethod,
  type Settled,
  settled,
  type Training,
  trainingSchema,
} from '../../adapt/index.js';
import { postprocessingSchema, preprocessingSchema } from '../../data/index.js';
import { scoredExtents } from '../../metrics/index.js';
import { defaultSizes, familyOfSize, type NetworkFamily, networkFamilies } from '../../networks/index.js';
import { sourceMethod } from '../../report/index.js';
import { dataKeys, runKeys, seedKeys } from '../common-keys.js';
import { runError } from '../errors.js';
import { checkDistinct, fileNameSchema, parseContent, readContent } from '../parse.js';
import type { Task } from '../tasks.js';

const share = z.number().positive();
/** Networks that can be trained on a source and adapted: those with early heads. */
export const sourceSizes = Object.values(networkFamilies).flatMap(({ heads, sizes }) => (heads ? sizes : []));
const names = methodNames as [string, ...string[]];
const methodSchema = adaptationSchema.extend({
  name: fileNameSchema.optional().describe('in tables and file names; default: the method'),
});

const targetSplitSchema = z
  .strictObject({
    adapt: share.optional().describe('without `folds`: for adaptation without labels'),
    test: share.optional().describe('without `folds`: for scoring'),
    folds: z
      .int()
      .min(2)
      .optional()
      .describe(
        'crosses the patients over instead: each is scored once, by what was adapted to the patients of the other folds',
      ),
  })
  .refine(
    ({ adapt, test, folds }) =>
      folds === undefined ? adapt !== undefined && test !== undefined : adapt === undefined && test === undefined,
    'give either folds or both adapt and test (on the command line --set "split.target={folds: 2}")',
  );

export const recipeSchema = z.strictObject({
  title: z.string().default('Adaptation to unseen scanners').describe('heading of the report'),
  ...dataKeys,
  source: fileNameSchema.describe('the site whose labels train the network'),
  targets: z
    .array(fileNameSchema)
    .min(1)
    .describe('the sites to adapt to; their labels are used for scoring alone, and by the oracle'),
  groupBy: z
    .string()
    .optional()
    .describe(
      'regular expression on the names of the targets’ cases; its first capture is the patient, who is never split',
    ),
  sourceGroupBy: z
    .string()
    .optional()
    .describe('likewise for the source’s cases; default: each is a patient of its own'),
  split: z
    .strictObject({
      source: z
        .strictObject({ train: share, validation: share, test: share })
        .default({ train: 0.7, validation: 0.15, test: 0.15 })
        .describe('of the source site: for training, for choosing the epoch, for scoring'),
      target: targetSplitSchema.default({ adapt: 0.5, test: 0.5 }).describe('of every target site'),
    })
    .prefault({})
    .describe('shares of the patients, or whole numbers of them'),
  ...seedKeys,
  scored: z
    .enum(scoredExtents)
    .default('all')
    .describe(
      'the slices that count for scores: all, or those from the first to the last that a case’s label has, for labels that ' +
        'cover a part of the scan',
    ),
  network: z
    .enum(sourceSizes as [string, ...string[]])
    .default(defaultSizes.source)
    .describe('what is trained on the source'),
  architecture: z.record(z.string(), z.unknown()).default({}).describe('the network’s settings'),
  preprocessing: preprocessingSchema.prefault({}),
  postprocessing: postprocessingSchema
    .optional()
    .describe('what is done to every mask, by whatever method it was made; default: nothing'),
  training: trainingSchema.prefault({}),
  methods: z
    .array(z.union([z.enum(names), methodSchema]))
    .optional()
    .describe(
      'names, or objects that change a method’s settings; default: all that the network has; docs/methods.md explains them',
    ),
  oracle: z
    .strictObject({
      epochs: z.int().min(1).default(5).describe('epochs, from the source model on; the last is kept'),
      lr: trainingSchema.shape.lr.unwrap().optional().describe('highest learning rate; default: that of `training`'),
    })
    .optional()
    .describe(
      'a row that says how far a method could come: the network trained further, with the settings of `training`, on the ' +
        'labels of the patients that methods adapt to without; default: no such row',
    ),
  grid: z
    .strictObject({
      method: z
        .enum(names)
        .optional()
        .describe('the method whose settings are varied; default: the network’s usual one'),
      blocks: z.array(adaptationSchema.shape.blocks.unwrap()).optional().describe('lists of adapted blocks'),
      rank: z.array(z.int().min(1)).optional().describe('ranks of the factors'),
      statistics: z.array(adaptationSchema.shape.statistics.unwrap()).optional().describe('statistics policies'),
      epochs: z.array(z.int().min(0)).optional().describe('numbers of epochs'),
    })
    .optional()
    .describe('every combination of the listed values, as further methods'),
  ...runKeys,
});
/** The name of the row that has seen the targets' labels. */
export const oracleMethod = 'oracle';
export type NamedMethod = Settled<z.output<typeof methodSchema>> & { name: string; label: string };
/** What may be reached: the network trained on the target's own labels. */
export interface Oracle {
  method: typeof oracleMethod;
  name: typeof oracleMethod;
  label: string;
  training: Training;
}
/** One method, or the oracle, on one target, or a fold of it, with one seed. */
export interface AdaptationTask extends Task<{ seed: number; target: string; fold?: number; method: string }> {
  variant: NamedMethod | Oracle;
}
type Given = z.output<typeof recipeSchema>;
export interface Recipe extends Given {
  methods: Given['methods'] & {};
  /** The methods with their names and all settings, the grid's combinations included. */
  variants: NamedMethod[];
  /** All that the recipe asks for, in order. */
  tasks: AdaptationTask[];
}

/**
 * Reads a recipe of an `adaptationStudy`.
 *
 * @param overrides values by dotted key (`training.epochs`), as the command line gives them
 * @throws GraftError RECIPE_UNREADABLE, RECIPE_UNKNOWN_KEY, RECIPE_INVALID, BLOCKS_UNREACHED
 */
export const readAdaptationRecipe = (file: string, overrides: Record<string, unknown> = {}): Recipe =>
  parseAdaptationRecipe(readContent(file, overrides), file);

/** As `readAdaptationRecipe`, from what a file holds. @param file named in errors */
export function parseAdaptationRecipe(content: unknown, file: string): Recipe {
  const read = parseContent(recipeSchema, content, file);
  const family = familyOfSize(read.network);
  const listed = { ...read, methods: read.methods ?? Object.keys(family.methods) };
  const own = parseContent(
    z.strictObject({ architecture: family.settings }),
    { architecture: read.architecture },
    file,
  );
  checkBlocks(family, listed, file);
  // What only the whole tells.
  const given = { ...listed, ...ofFamily(family, listed) };
  const variants = methodsOf(family, given);
  const rows = rowsOf({ ...given, variants });
  const { source, targets, seeds } = given;
  checkDistinct({ targets, seeds, methods: rows.map(({ name }) => name) }, file);
  if (targets.includes(source))
    throw runError('RECIPE_INVALID', { file, key: 'targets', problem: `${source} is the source already` });
  for (const method of variants) resolveMethod(family, method);
  return { ...given, ...own, variants, tasks: tasksOf(given, rows) };
}

/** Every method on every target, fold by fold where there are some, with every seed. */
function tasksOf({ seeds, targets, split }: Given, rows: readonly AdaptationTask['variant'][]): AdaptationTask[] {
  const taskOf = (seed: number, target: string, fold: number | undefined, variant: AdaptationTask['variant']) => ({
    key: { seed, target, ...(fold && { fold }), method: variant.name },
    path: [`seed${seed}`, target, variant.name, ...(fold ? [`fold${fold}`] : [])].join('/'),
    name: `seed ${seed}: ${variant.label} on ${target}${fold ? `, fold ${fold}` : ''}`,
    entry: variant.name,
    splits: [splitName(target, fold)],
    ...{ counts: [target], shared: false, role: roleOf(variant), variant },
  });
  const folds = foldsOf(split.target.folds);
  return seeds.flatMap((seed) =>
    targets.flatMap((target) => folds.flatMap((fold) => rows.map((variant) => taskOf(seed, target, fold, variant)))),
  );
}

/** Their numbers, from 1; one that has none where the target is not crossed over. */
const foldsOf = (folds: number | undefined): (number | undefined)[] =>
  folds === undefined ? [undefined] : Array.from({ length: folds }, (_, i) => i + 1);

/** What the split of a target, or of a fold of it, is called; names of sites have no slash. */
export const splitName = (target: string, fold: number | undefined): string =>
  fold === undefined ? target : `${target}/fold${fold}`;

const roleOf = ({ method }: AdaptationTask['variant']): AdaptationTask['role'] =>
  method === sourceMethod || method === oracleMethod ? method : undefined;

/** What a table has a row for: the methods, and the oracle where there is one. */
export const rowsOf = (recipe: Pick<Recipe, 'variants' | 'oracle' | 'training'>): AdaptationTask['variant'][] => [
  ...recipe.variants,
  ...oracleOf(recipe),
];

/** The oracle, where the recipe has one. */
export const oracleOf = ({ oracle, training }: Pick<Recipe, 'oracle' | 'training'>): Oracle[] =>
  oracle
    ? [
        {
          ...{ method: oracleMethod, name: oracleMethod, label: 'Oracle (target labels)' },
          training: { ...training, epochs: oracle.epochs, lr: oracle.lr ?? training.lr },
        },
      ]
    : [];

type Listed = Pick<Recipe, 'methods' | 'grid'>;

/** With the network's usual method and the methods' own values written out, wherever there is room for them. */
const ofFamily = (family: NetworkFamily, { methods, grid }: Listed): Listed => ({
  methods: methods.map((one) => (typeof one === 'string' ? one : settled(family, one))),
  ...(grid && { grid: { ...grid, method: grid.method ?? family.defaultMethod } }),
});

function methodsOf(family: NetworkFamily, { methods: listed, grid }: Listed): NamedMethod[] {
  const named = listed.map((entry): NamedMethod => {
    const config = settled(family, methodSchema.parse(typeof entry === 'string' ? { method: entry } : entry));
    const name = config.name ?? config.method;
    return { ...config, name, label: config.name ?? methodLabel(config.method) };
  });
  if (!grid) return named;
  const { method, ...axes } = grid;
  const lists = Object.entries(axes).flatMap(([key, values]) => (values ? [[key, values as unknown[]] as const] : []));
  const combinations = lists.reduce<Record<string, unknown>[]>(
    (found, [key, values]) => found.flatMap((one) => values.map((value) => ({ ...one, [key]: value }))),
    [{}],
  );
  return [
    ...named,
    ...combinations.map((values): NamedMethod => {
      const parts = Object.entries(values).map(
        ([key, value]) => `${key}-${Array.isArray(value) ? value.join('+') : value}`,
      );
      const name = [method, ...parts].join('_');
      return { ...settled(family, methodSchema.parse({ method, ...values })), name, label: name };
    }),
  ];
}

/** The network that a recipe trains, in words. */
export function describeNetwork({ network, architecture, classes }: Recipe): string {
  const family = familyOfSize(network);
  return family.describe(family.configure(network, classes.length, architecture));
}

/** Blocks that a method or the grid names must be the network's. @throws GraftError RECIPE_INVALID */
function checkBlocks({ blocks: { encoder, decoder } }: NetworkFamily, { methods, grid }: Listed, file: string): void {
  const blocks = z.array(z.enum([...encoder, ...decoder] as [string, ...string[]]));
  const schema = z.object({
    methods: z.array(z.union([z.string(), z.object({ blocks: blocks.optional() })])),
    grid: z.object({ blocks: z.array(blocks).optional() }).optional(),
  });
  parseContent(schema, { methods, grid }, file);
}
