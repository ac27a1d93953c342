/** What an adaptation is asked for: the method, which its model's family describes, and the settings of the loop. */
import { z } from 'zod';
import { type AdaptationMethod, type NetworkFamily, networkFamilies } from '../networks/index.js';
import { convLoraSchema, statisticsSchema } from '../peft/index.js';
import { adaptError } from './errors.js';

/** The methods of all families. */
export const methodNames: readonly string[] = [
  ...new Set(Object.values(networkFamilies).flatMap(({ methods }) => Object.keys(methods))),
];

/** What a method is called in tables. */
export const methodLabel = (name: string): string =>
  Object.values(networkFamilies).flatMap(({ methods }) => methods[name]?.label ?? [])[0] ?? name;

/** What the methods do where nothing is named, in words: the usual value, then those that differ. */
function ownValues(key: 'epochs' | 'lr'): string {
  const methods = Object.values(networkFamilies).flatMap(({ methods }) => Object.values(methods));
  const [usual, ...others] = [...new Set(methods.map((method) => method[key]))];
  const differing = others.map((value) => {
    const names = new Set(methods.filter((method) => method[key] === value).map(({ name }) => name));
    return `, of ${[...names].join(' and ')} ${value}`;
  });
  return `default: ${usual}${differing.join('')}`;
}

/** The method of each family where nothing is named, in words. */
const usualMethods = Object.values(networkFamilies)
  .flatMap(({ title, defaultMethod }) => (defaultMethod ? [`${defaultMethod} (${title})`] : []))
  .join(', ');

/**
 * Settings of `adapt`: `adaptationSchema.parse({ method: 'convlora-adabn', epochs: 3 })` fills in the defaults and refuses
 * unknown keys. They are the keys of `methods[]` in docs/recipes.md; docs/methods.md describes the methods.
 *
 * @throws ZodError from `parse`, naming the key
 */
export const adaptationSchema = z.strictObject({
  method: z
    .enum(methodNames as [string, ...string[]])
    .optional()
    .describe(`what is trained and how; default: ${usualMethods}`),
  blocks: z.array(z.string()).min(1).optional().describe('blocks that are adapted; default: the method’s own'),
  ...convLoraSchema.shape,
  statistics: statisticsSchema.optional().describe('batch normalisation’s statistics; default: the method’s own'),
  passes: z.int().min(1).default(3).describe('passes over the target set when statistics are recomputed'),
  epochs: z
    .int()
    .min(0)
    .optional()
    .describe(`passes over the target set in training; 0 trains nothing; ${ownValues('epochs')}`),
  batch: z.int().min(1).default(16).describe('slices in a training step'),
  lr: z
    .number()
    .positive()
    .optional()
    .describe(`learning rate of Adam, the highest where it falls; ${ownValues('lr')}`),
  detach: z
    .boolean()
    .default(true)
    .describe('pseudo-labels are fixed targets; false: the reference code’s coupled form'),
  calibrate: z
    .boolean()
    .default(true)
    .describe('shift the early head so that it segments as much of the target as the network does'),
  guard: z
    .boolean()
    .default(true)
    .describe('keep a safer model where the adapted one leaves the range seen on the source'),
});
/** What `adaptationSchema` reads. */
export type Adaptation = z.output<typeof adaptationSchema>;
/** With what a method decides where nothing is named. */
export type Settled<Given extends Adaptation = Adaptation> = Given & { method: string; epochs: number; lr: number };

/**
 * The settings with the family's usual method, and the method's own epochs and learning rate, where none are named.
 *
 * @throws GraftError METHOD_UNSUITED
 */
export function settled<Given extends Adaptation>(family: NetworkFamily, given: Given): Settled<Given> {
  const method = methodOf(family, given.method ?? family.defaultMethod ?? 'adaptation');
  const own = { method: method.name, epochs: given.epochs ?? method.epochs, lr: given.lr ?? method.lr };
  // In an order that does not depend on what was named.
  return { ...own, ...given, ...own };
}

function methodOf(family: NetworkFamily, name: string): AdaptationMethod {
  if (Object.hasOwn(family.methods, name)) return family.methods[name];
  const methods = Object.keys(family.methods).join(', ') || 'none';
  throw adaptError('METHOD_UNSUITED', { method: name, family: family.title, methods });
}

/** A rank that is the default may have been written by an earlier run, which wrote all of them. @throws GraftError METHOD_OPTIONS */
function checkUsed(method: AdaptationMethod, { blocks, rank, alpha, kernels }: Adaptation): void {
  const factors = { rank: rank === usualRank ? undefined : rank, alpha, kernels };
  const [useless, reason] =
    method.objective === 'none'
      ? [{ blocks, ...factors }, 'it trains nothing']
      : [method.adapter ? {} : factors, 'it trains weights themselves, without factors'];
  const given = Object.entries(useless).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  if (given.length > 0)
    throw adaptError('METHOD_OPTIONS', { method: method.name, options: given.join(' and '), reason });
}
const usualRank = convLoraSchema.parse({}).rank;

export interface ResolvedMethod {
  method: AdaptationMethod;
  /** Those that are adapted; none where nothing is trained. */
  blocks: readonly string[];
  statistics: z.output<typeof statisticsSchema>;
  /** Of the method's adapter, as the family's schema reads them. */
  options: Record<string, unknown>;
  /** The first encoder block that the early head must read: its loss then reaches all adapted ones. */
  level: number;
}

/**
 * The method with its own blocks and statistics where the configuration names none.
 *
 * @throws GraftError METHOD_UNSUITED, METHOD_OPTIONS, BLOCKS_UNKNOWN; BLOCKS_UNREACHED where the consistency loss would leave named blocks
 * as they are
 */
export function resolveMethod(family: NetworkFamily, config: Settled): ResolvedMethod {
  const { method: name, rank, alpha, kernels, detach } = config;
  const method = methodOf(family, name);
  checkUsed(method, config);
  const { encoder, decoder } = family.blocks;
  const blocks = config.blocks ?? method.blocks;
  const unknown = blocks.filter((block) => ![...encoder, ...decoder].includes(block));
  if (unknown.length > 0)
    throw adaptError('BLOCKS_UNKNOWN', { blocks: unknown.join(', '), known: [...encoder, ...decoder].join(', ') });
  const unreached = blocks.filter((block) => !encoder.includes(block));
  if (detach && method.objective === 'consistency' && unreached.length > 0)
    throw adaptError('BLOCKS_UNREACHED', {
      ...{ method: name, blocks: unreached.join(', '), encoder: encoder.join(', ') },
    });
  const read = method.objective === 'none' ? encoder : blocks;
  return {
    ...{ method, blocks, statistics: config.statistics ?? method.statistics },
    options: {
      ...(method.adapter && { rank, ...(alpha && { alpha }), ...(kernels && { kernels }) }),
      ...(method.objective !== 'none' && { blocks: [...blocks] }),
    },
    level: Math.max(0, ...read.map((block) => encoder.indexOf(block))),
  };
}
