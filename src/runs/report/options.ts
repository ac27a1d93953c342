/** What a recipe chooses about its report. */
import { z } from 'zod';

export const reportOptionsSchema = z.strictObject({
  surfaces: z
    .boolean()
    .default(false)
    .describe('beside the slices, the surfaces of the reference and the prediction in three dimensions'),
});
