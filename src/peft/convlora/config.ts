/** Which convolutions ConvLoRA adapts, and how strongly. */
import { z } from 'zod';

/** Settings of ConvLoRA: rank, scale and the kernels that are adapted. @throws ZodError from `parse`, naming the key */
export const convLoraSchema = z.strictObject({
  rank: z.int().min(1).default(2).describe('r: the factors have r·k rows and columns for a k×k convolution'),
  alpha: z.number().positive().optional().describe('the update is scaled by alpha / rank; default: the rank'),
  kernels: z
    .array(z.int().min(1))
    .optional()
    .describe('kernel sizes that are adapted, such as [3]; default: every convolution of the blocks'),
});
export type ConvLoraConfig = z.input<typeof convLoraSchema>;
