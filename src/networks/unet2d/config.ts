/** What makes one U-Net different from another. */
import { z } from 'zod';
import { mirrorAxes, mirrorText } from '../mirrored.js';

export const unet2dSchema = z.strictObject({
  inChannels: z.int().min(1).default(1).describe('image channels'),
  outChannels: z.int().min(1).default(1).describe('one logit map for each foreground class'),
  filters: z.int().min(1).default(16).describe('feature maps at full resolution; doubled at each of three levels'),
  mirror: mirrorAxes.optional().describe(mirrorText),
});
export type UNet2DConfig = z.infer<typeof unet2dSchema>;

/** The encoder's blocks, from the image downwards: block L works at 1/2^L of the resolution. */
export const encoderBlocks = ['init_path', 'down1', 'down2', 'down3'] as const;
export const decoderBlocks = ['up3', 'up2', 'up1', 'out_path'] as const;
export const unetBlocks = [...encoderBlocks, ...decoderBlocks] as const;
export type EncoderBlock = (typeof encoderBlocks)[number];
export type UNetBlock = (typeof unetBlocks)[number];
