/**
 * What may be trained of plain U-Nets: everything, the scales and shifts of their normalisation, factors beside convolutions.
 * Without labels it is the encoder's part of the latter two (Aleem et al. 2024), by the map that deep supervision trained.
 */
import { z } from 'zod';
import { convLoraPieces, convLoraSchema, type TrainingPlan } from '../../peft/index.js';
import type { AdaptationMethod } from '../family.js';

/** The network's two parts, by which adapters are put in place. */
export const plainUNetBlocks = ['encoder', 'decoder'] as const;

export const plainUNetAdapterSchema = convLoraSchema.extend({
  blocks: z
    .array(z.enum(plainUNetBlocks))
    .min(1)
    .optional()
    .describe('parts that are adapted; default: the plan’s own'),
});
type Options = z.output<typeof plainUNetAdapterSchema>;

const partOf = (path: string) => path.split('.')[0];
const isNorm = (path: string, parts: readonly string[] = plainUNetBlocks) =>
  /\.norm\.(weight|bias)$/.test(path) && parts.includes(partOf(path));

/** Factors beside the parts' convolutions, with the scales and shifts of the normalisation behind them. */
const convLora = (
  name: string,
  label: string,
  own: Options['blocks'] & {},
  more?: TrainingPlan['trains'],
): TrainingPlan<Options> => ({
  name,
  label,
  adapter: (network, { blocks = own, ...options }) => convLoraPieces(network, blocks, options),
  trains: (path, options) => isNorm(path, options.blocks ?? own) || (more?.(path, options) ?? false),
});

const list: TrainingPlan<Options>[] = [
  { name: 'full', label: 'everything', trains: () => true },
  { name: 'norm', label: 'scales and shifts of the normalisation', trains: (path, { blocks }) => isNorm(path, blocks) },
  { name: 'decoder', label: 'decoder', trains: (path) => partOf(path) === 'decoder' },
  convLora('convlora', 'ConvLoRA', [...plainUNetBlocks]),
  convLora('convlora-decoder', 'ConvLoRA and decoder', ['encoder'], (path) => partOf(path) === 'decoder'),
];
export const plainUNetPlans: Readonly<Record<string, TrainingPlan<Options>>> = Object.fromEntries(
  list.map((plan) => [plan.name, plan]),
);

/** Of training by consistency, here and in the reference code of ConvLoRA. */
const duration = { epochs: 5, lr: 1e-4 };

/** Without labels: a plan's part in the encoder. Instances are normalised by their own statistics. */
const unlabelled = (plan: TrainingPlan<Options>): AdaptationMethod<Options> => ({
  ...plan,
  ...{ objective: 'consistency', blocks: ['encoder'], statistics: 'frozen', ...duration },
});
const methods: AdaptationMethod<Options>[] = [
  { name: 'source', label: 'Source model', objective: 'none', blocks: [], statistics: 'frozen', ...duration },
  unlabelled(plainUNetPlans.norm),
  unlabelled(plainUNetPlans.convlora),
];
export const plainUNetMethods: Readonly<Record<string, AdaptationMethod<Options>>> = Object.fromEntries(
  methods.map((method) => [method.name, method]),
);
