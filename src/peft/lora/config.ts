/** Which linear layers LoRA adapts, and how. */
import { z } from 'zod';

export const loraKinds = ['lora', 'dora'] as const;
export const loraInitialisations = ['zero-b', 'reference'] as const;

/** The options alone, for schemas that are made of them; `loraSchema` also knows which go together. */
export const loraOptions = z.strictObject({
  rank: z.int().min(1).default(32).describe('r: rows of A and columns of B'),
  scale: z.number().positive().default(1).describe('factor of the update (as it is, not divided by the rank)'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe('share of inputs that the adapter does not see in a training step; default: 0, for FacT 0.1'),
  init: z
    .enum(loraInitialisations)
    .default('zero-b')
    .describe('zero-b starts as the base model does; reference draws B, too, as the published code does'),
  count: z.int().min(1).default(1).describe('updates for each layer, mixed by learned weights'),
  kind: z.enum(loraKinds).default('lora').describe('dora also learns the magnitude of each column'),
  targets: z
    .array(z.string().min(1))
    .min(1)
    .default(['q', 'v'])
    .describe(
      'parts of attention (q, k, v) or linear layers, by the last words of their paths: q, encoder.v, mlp.lin1',
    ),
});

/** DoRA of several updates is defined nowhere; the reference code then uses the first one only. */
export const oneDora: [
  holds: (config: { kind: string; count: number }) => boolean,
  { path: string[]; message: string },
] = [({ kind, count }) => kind === 'lora' || count === 1, { path: ['count'], message: 'must be 1 with DoRA' }];
/** Settings of LoRA and DoRA: rank, scale, targets. @throws ZodError from `parse`, naming the key */
export const loraSchema = loraOptions.refine(...oneDora);
export type LoraConfig = z.input<typeof loraSchema>;
