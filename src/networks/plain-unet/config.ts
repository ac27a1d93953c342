/** What makes one plain U-Net different from another, and the sizes that have names. */
import { z } from 'zod';
import { mirrorAxes, mirrorText } from '../mirrored.js';

const pair = z.tuple([z.int().min(1), z.int().min(1)]);

const stageSchema = z.strictObject({
  features: z.int().min(1).describe('feature maps'),
  kernel: pair.describe('[rows, columns] of its convolutions, odd'),
  stride: pair.describe('[rows, columns] by which its first convolution makes the maps smaller'),
  convolutions: z.int().min(1).describe('in the encoder'),
  decoding: z.int().min(1).describe('convolutions on the way back; the deepest stage has no such way'),
});

export const plainUNetSchema = z.strictObject({
  inChannels: z.int().min(1).default(1).describe('image channels'),
  classes: z.int().min(1).describe('foreground classes; the background has a map, too'),
  stages: z.array(stageSchema).min(2).describe('from the image downwards'),
  bias: z.boolean().default(true).describe('whether convolutions have a bias'),
  eps: z.number().positive().default(1e-5).describe('added to the variance where features are normalised'),
  slope: z.number().min(0).default(0.01).describe('of the leaky rectifier below zero'),
  patch: pair
    .nullable()
    .default(null)
    .describe(
      '[rows, columns] that the network sees at once: it predicts larger slices in overlapping windows; null: whole slices',
    ),
  mirror: mirrorAxes.default([]).describe(mirrorText),
});
export type PlainUNetConfig = z.infer<typeof plainUNetSchema>;

/** What may be chosen of a network: its sizes, or another whose it has. */
export const plainUNetSettings = z.strictObject({
  baseFeatures: z
    .int()
    .min(1)
    .default(32)
    .describe('feature maps at full resolution; doubled at each stage, up to 512'),
  stages: z.int().min(2).default(5).describe('resolutions of the network, each half of the one before'),
  nnunet: z
    .string()
    .optional()
    .describe('folder that nnU-Net trained into: sizes, patches and mirroring are of its network'),
});

/** nnU-Net's limit in two dimensions. */
const MOST_FEATURES = 512;

/** As nnU-Net plans networks for square patches: kernels of 3, two convolutions in each stage. */
export function plannedConfig(
  classes: number,
  { baseFeatures, stages }: Pick<z.output<typeof plainUNetSettings>, 'baseFeatures' | 'stages'>,
): PlainUNetConfig {
  return plainUNetSchema.parse({
    classes,
    stages: Array.from({ length: stages }, (_, level) => ({
      features: Math.min(MOST_FEATURES, baseFeatures * 2 ** level),
      ...{ kernel: [3, 3], stride: level === 0 ? [1, 1] : [2, 2], convolutions: 2, decoding: 2 },
    })),
  });
}
