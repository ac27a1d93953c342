/** The keys that recipes of every kind have, in the order in which a recipe has them. */
import { z } from 'zod';
import type { ScoredExtent } from '../metrics/index.js';
import { trackingSchema } from '../tracking/index.js';
import { cacheSchema } from './cache.js';
import { classesSchema, dataSchema } from './dataset.js';
import { namesSchema } from './names.js';
import type { Task } from './tasks.js';

/** After the title. */
export const dataKeys = {
  description: z.string().default('').describe('what the report says below its heading'),
  data: dataSchema.default({}),
  classes: classesSchema,
};
/** After the split. */
export const seedKeys = {
  seeds: z.array(z.int().min(0)).min(1).default([1]).describe('the experiment is repeated with each'),
  toleranceMm: z.number().positive().default(2).describe('tolerance of the surface Dice, in mm'),
};
/** At the end. */
export const runKeys = {
  names: namesSchema,
  cache: cacheSchema,
  tracking: trackingSchema.prefault({}),
  device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
  threads: z.int().min(1).optional().describe('within an operator; the same bits need the same number'),
};
const common = z.object({ ...dataKeys, ...seedKeys, ...runKeys });

/** A parsed recipe of any kind. */
export interface CommonRecipe extends z.output<typeof common> {
  /** All that it asks for, in order. */
  tasks: readonly Task[];
  /** The slices that are scored, where it says which. */
  scored?: ScoredExtent;
}
