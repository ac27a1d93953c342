/** How FacT-TT adapts the image encoder. */
import { z } from 'zod';
import { loraOptions } from '../lora/config.js';

export const factSchema = z.strictObject({
  rank: loraOptions.shape.rank.describe('r: channels between the shared factors'),
  scale: loraOptions.shape.scale,
  dropout: z.number().min(0).lt(1).default(0.1).describe('share of the r channels that a training step leaves out'),
});
export type FactConfig = z.input<typeof factSchema>;
