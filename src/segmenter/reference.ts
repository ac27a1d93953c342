/** What a model's outputs look like on its source domain, as model files keep it; the guard of an adaptation compares with it. */
import { z } from 'zod';
import type { Profile } from '../data/index.js';

const rangeSchema = z.strictObject({ low: z.number(), high: z.number() });

export const sourceReferenceSchema = z.strictObject({
  volumeMl: rangeSchema.describe('segmented volume of a case: the mean less and plus a standard deviation'),
  entropy: rangeSchema.describe('bits of entropy per segmented voxel'),
  agreement: rangeSchema.describe('surface Dice of the deepest early head against the final one'),
  mirrored: z
    .number()
    .optional()
    .describe('mean surface Dice of the masks of slices and of their mirror images; absent in models of before'),
  cases: z.int().describe('source cases that the ranges were taken from'),
});
export type SourceReference = z.infer<typeof sourceReferenceSchema>;

/** What a model says of its source that was trained before profiles were kept. */
export function profileOfReference({ volumeMl: { low, high }, entropy, cases }: SourceReference): Profile {
  // Of volumes the reference has one deviation about the mean, a profile all cases.
  const centre = (low + high) / 2;
  const reach = 3 * (high - centre);
  return { cases, volumeMl: { low: Math.max(low / 3, centre - reach), high: centre + reach }, entropy };
}
