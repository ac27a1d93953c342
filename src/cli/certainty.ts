/** The option of commands that choose an adapter for each scan. */
import type { z } from 'zod';

export const certaintyOption = (zod: typeof z) => ({
  certainty: zod
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('where adapters are chosen: probability of the right one below which the base model is used'),
});
