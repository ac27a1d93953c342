/**
 * What may be trained of the U-Net. The methods without labels are those of Aleem et al. 2024 (ConvLoRA), of Sheikh &
 * Schultz 2022 (UDAS) and their parts, those with interpolated statistics (α-BN), and the student of
 * Xie et al. 2020 (arXiv 1911.04252); with labels, everything, ConvLoRA beside the encoder, or that and the decoder.
 */
import { z } from 'zod';
import { convLoraPieces, convLoraSchema, type TrainingPlan } from '../../peft/index.js';
import type { AdaptationMethod } from '../family.js';
import { decoderBlocks, encoderBlocks, unetBlocks } from './config.js';

/** ConvLoRA's options and where it is put; a plan's own blocks where none are named. */
export const unetAdapterSchema = convLoraSchema.extend({
  blocks: z.array(z.enum(unetBlocks)).min(1).optional().describe('blocks that are adapted; default: the plan’s own'),
});
type Options = z.output<typeof unetAdapterSchema>;

const blockOf = (name: string) => name.split('.')[0];

/** Factors beside the blocks' convolutions, and the scales and shifts of the normalisation in their residual units. */
function convLora(
  name: string,
  label: string,
  own: readonly string[],
  more?: TrainingPlan['trains'],
): TrainingPlan<Options> {
  return {
    name,
    label,
    adapter: (network, { blocks = own, ...options }) => convLoraPieces(network, blocks, options),
    trains: (path, options) =>
      ((options.blocks ?? own).includes(blockOf(path)) && /\.bn\.(weight|bias)$/.test(path)) ||
      (more?.(path, options) ?? false),
  };
}

/** All weights of the blocks. */
const weights = (name: string, label: string, own: readonly string[]): TrainingPlan<Options> => ({
  name,
  label,
  trains: (path, { blocks = own }) => blocks.includes(blockOf(path)),
});

/** They bring the encoder's features to the decoder, and belong to no block. */
const shortcuts = ['shortcut0', 'shortcut1', 'shortcut2'];
const full: TrainingPlan<Options> = { name: 'full', label: 'everything', trains: () => true };
/** Of the named blocks, and the shortcuts where all blocks are named. */
const isWithin: TrainingPlan<Options>['trains'] = (path, { blocks = unetBlocks }) =>
  blocks.includes(blockOf(path) as (typeof unetBlocks)[number]) || unetBlocks.every((block) => blocks.includes(block));
const isOf = (blocks: readonly string[]) => (path: string) => blocks.includes(blockOf(path));

const tabled = <One extends TrainingPlan>(list: readonly One[]): Readonly<Record<string, One>> =>
  Object.fromEntries(list.map((one) => [one.name, one]));

export const unetPlans = tabled([
  full,
  convLora('convlora', 'ConvLoRA', encoderBlocks),
  convLora('convlora-decoder', 'ConvLoRA and decoder', encoderBlocks, isOf([...decoderBlocks, ...shortcuts])),
]);

/** Of training by consistency, here and in the reference code of ConvLoRA. */
const duration = { epochs: 5, lr: 1e-4 };
const nothing = { objective: 'none', blocks: [], ...duration } as const;
const stem = ['init_path'];

export const unetMethods = tabled<AdaptationMethod<Options>>([
  { name: 'source', label: 'Source model', ...nothing, statistics: 'frozen' },
  { name: 'adabn', label: 'AdaBN', ...nothing, statistics: 'recompute' },
  { name: 'alpha-bn', label: 'α-BN', ...nothing, statistics: 'interpolate' },
  {
    ...{ name: 'self-training', label: 'Self-training', trains: isWithin },
    ...{ objective: 'self-training', blocks: unetBlocks, statistics: 'frozen', ...duration },
  },
  { ...weights('udas', 'UDAS', stem), objective: 'consistency', blocks: stem, statistics: 'frozen', ...duration },
  {
    ...convLora('udas-convlora', 'UDAS + ConvLoRA', stem),
    ...{ objective: 'consistency', blocks: stem, statistics: 'frozen', ...duration },
  },
  {
    ...convLora('convlora', 'ConvLoRA', encoderBlocks),
    ...{ objective: 'consistency', blocks: encoderBlocks, statistics: 'frozen', ...duration },
  },
  {
    ...convLora('convlora-adabn', 'ConvLoRA + AdaBN', encoderBlocks),
    ...{ objective: 'consistency', blocks: encoderBlocks, statistics: 'recompute', ...duration },
  },
  {
    ...convLora('convlora-alpha-bn', 'ConvLoRA + α-BN', encoderBlocks),
    ...{ objective: 'consistency', blocks: encoderBlocks, statistics: 'interpolate', ...duration },
  },
  {
    ...convLora('noisy-student', 'Noisy student', unetBlocks),
    ...{ objective: 'pseudo-labels', blocks: unetBlocks, statistics: 'frozen', epochs: 30, lr: 1e-3 },
  },
]);
