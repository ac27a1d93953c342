/** What may be trained of plain U-Nets: everything, the scales and shifts of their normalisation, factors beside convolutions. */
import { z } from 'zod';
import { convLoraPieces, convLoraSchema, type TrainingPlan } from '../../peft/index.js';

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
const isNorm = (path: string) => /\.norm\.(weight|bias)$/.test(path);

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
  trains: (path, options) =>
    (isNorm(path) && (options.blocks ?? own).some((part) => part === partOf(path))) || (more?.(path, options) ?? false),
});

const list: TrainingPlan<Options>[] = [
  { name: 'full', label: 'everything', trains: () => true },
  { name: 'norm', label: 'scales and shifts of the normalisation', trains: isNorm },
  { name: 'decoder', label: 'decoder', trains: (path) => partOf(path) === 'decoder' },
  convLora('convlora', 'ConvLoRA', [...plainUNetBlocks]),
  convLora('convlora-decoder', 'ConvLoRA and decoder', ['encoder'], (path) => partOf(path) === 'decoder'),
];
export const plainUNetPlans: Readonly<Record<string, TrainingPlan<Options>>> = Object.fromEntries(
  list.map((plan) => [plan.name, plan]),
);
