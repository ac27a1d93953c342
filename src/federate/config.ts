/** The settings of a federation: one schema for recipes, flags and documentation. */
import { z } from 'zod';
import { aggregationNames, gauges } from './aggregation/index.js';
import { federateError } from './errors.js';
import { compressionNames, wireNames } from './wire/index.js';

/**
 * Settings of a federation: `federationSchema.parse({ rounds: 5 })` fills in the defaults and refuses unknown keys. They are
 * the keys of `federation` in docs/recipes.md.
 *
 * @throws ZodError from `parse`, naming the key
 */
export const federationSchema = z.strictObject({
  rounds: z.int().min(1).default(25).describe('how often sites train and the coordinator aggregates'),
  aggregation: z
    .enum(aggregationNames)
    .default('product-svd')
    .describe('how low-rank factors of the sites become one: docs/methods.md explains the names'),
  gauge: z
    .enum(gauges)
    .default('aligned')
    .describe('product-svd: how the best rank-r product is split into factors; aligned stays near the last ones'),
  wire: z
    .enum(wireNames)
    .default('fp32')
    .describe('numbers on their way; lossy formats carry what they lost into the next round'),
  compression: z
    .enum(compressionNames)
    .default('none')
    .describe('lossless, of whole payloads; zstd needs Node.js 22.15 or newer'),
  sampling: z.number().positive().max(1).default(1).describe('share of the sites that is drawn for each round'),
  minSites: z.int().min(1).default(1).describe('a round with fewer usable updates stops the run, which can be resumed'),
  deadline: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('seconds after which a round goes on without those that did not answer'),
  weights: z
    .union([z.enum(['slices', 'cases', 'equal']), z.record(z.string(), z.number().min(0))])
    .default('slices')
    .describe('of the sites in the mean: by training slices or cases, equal, or a number for each site'),
  robust: z
    .enum(['none', 'median', 'trimmed-mean'])
    .default('none')
    .describe('coordinate by coordinate and without weights, instead of the weighted mean'),
  trim: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0.1)
    .describe(
      'trimmed-mean: share of the sites cut off at either end; krum, multi-krum: share of the sites that may be hostile',
    ),
  server: z
    .strictObject({
      optimiser: z.enum(['plain', 'fedavgm', 'fedadam']).default('plain').describe('what moves the global state'),
      lr: z.number().positive().default(1).describe('step of fedavgm and fedadam along the mean update'),
      beta1: z.number().min(0).lt(1).default(0.9).describe('momentum'),
      beta2: z.number().min(0).lt(1).default(0.99).describe('fedadam: decay of the mean square'),
      tau: z.number().positive().default(1e-3).describe('fedadam: added to the root of the mean square'),
    })
    .prefault({}),
  mu: z.number().min(0).default(0).describe('FedProx: pull of local training towards the global state, 0 for none'),
  maxNorm: z.number().positive().nullable().default(null).describe('an update with a larger norm is refused'),
  maxNormRatio: z
    .number()
    .gt(1)
    .nullable()
    .default(null)
    .describe('an update whose norm is more than this many times the round’s median is refused'),
  maxJump: z
    .number()
    .min(1)
    .nullable()
    .default(10)
    .describe(
      'an update is refused if its norm is more than this many times that of the first global state and the median of all other updates so far',
    ),
  maxWeightRatio: z
    .number()
    .min(1)
    .nullable()
    .default(10)
    .describe('the number of slices or cases that a site claims counts up to this many times the round’s median'),
  seed: z.int().min(0).default(1).describe('draws the sites of a round'),
});
/** What `federationSchema` reads. */
export type Federation = z.output<typeof federationSchema>;

/** What only the whole tells. @throws GraftError AGGREGATION_UNSUITED */
export function checkFederation({ robust, aggregation }: Federation): void {
  const byItself = ['product-svd', 'fedex', 'flora', 'lora-fair', 'krum', 'multi-krum'];
  if (robust !== 'none' && byItself.includes(aggregation))
    throw federateError('AGGREGATION_UNSUITED', { robust, aggregation });
}
