/** MA-SAM's adapters across slices. */
import { z } from 'zod';

export const sliceAdapterSchema = z.strictObject({
  slices: z.int().min(1).default(5).describe('consecutive slices in a window; a batch is read as whole windows'),
  channels: z
    .int()
    .min(1)
    .optional()
    .describe("channels between the projections; default: half of the encoder's, at most 384"),
  init: z
    .enum(['zero-up', 'reference'])
    .default('zero-up')
    .describe(
      'zero-up starts as the base model does; reference draws the up-projection, too, as the published code does',
    ),
});
export type SliceAdapterConfig = z.input<typeof sliceAdapterSchema>;
