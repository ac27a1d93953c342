/** The methods by name: what each trains, on which loss, and where batch normalisation's statistics come from. */
import { z } from 'zod';
import { encoderBlocks, unetBlocks } from '../networks/index.js';
import { convLoraSchema, statisticsSchema } from '../peft/index.js';
import { adaptError } from './errors.js';

export const methodNames = [
  'source',
  'adabn',
  'self-training',
  'udas',
  'udas-convlora',
  'convlora',
  'convlora-adabn',
] as const;
export type MethodName = (typeof methodNames)[number];

interface Method {
  /** For tables. */
  label: string;
  /** `blocks`: all weights of the blocks; `convlora`: factors beside them; `network`: everything. */
  trains: 'nothing' | 'blocks' | 'convlora' | 'network';
  blocks: readonly (typeof unetBlocks)[number][];
  statistics: z.infer<typeof statisticsSchema>;
}

const encoder = [...encoderBlocks];

export const methods: Record<MethodName, Method> = {
  source: { label: 'Source model', trains: 'nothing', blocks: [], statistics: 'frozen' },
  adabn: { label: 'AdaBN', trains: 'nothing', blocks: [], statistics: 'recompute' },
  'self-training': { label: 'Self-training', trains: 'network', blocks: [...unetBlocks], statistics: 'frozen' },
  udas: { label: 'UDAS', trains: 'blocks', blocks: ['init_path'], statistics: 'frozen' },
  'udas-convlora': { label: 'UDAS + ConvLoRA', trains: 'convlora', blocks: ['init_path'], statistics: 'frozen' },
  convlora: { label: 'ConvLoRA', trains: 'convlora', blocks: encoder, statistics: 'frozen' },
  'convlora-adabn': { label: 'ConvLoRA + AdaBN', trains: 'convlora', blocks: encoder, statistics: 'recompute' },
};

export const adaptationSchema = z.strictObject({
  method: z.enum(methodNames).default('convlora-adabn').describe('what is trained and how'),
  blocks: z.array(z.enum(unetBlocks)).min(1).optional().describe('blocks that are adapted; default: the method’s own'),
  ...convLoraSchema.shape,
  statistics: statisticsSchema.optional().describe('batch normalisation’s statistics; default: the method’s own'),
  passes: z.int().min(1).default(3).describe('passes over the target set when statistics are recomputed'),
  epochs: z.int().min(0).default(5).describe('passes over the target set in training; 0 trains nothing'),
  batch: z.int().min(1).default(16).describe('slices in a training step'),
  lr: z.number().positive().default(1e-4).describe('learning rate of Adam'),
  detach: z
    .boolean()
    .default(true)
    .describe('pseudo-labels are fixed targets; false: the reference code’s coupled form'),
  calibrate: z
    .boolean()
    .default(true)
    .describe('shift the early head so that it segments as much of the target as the network does'),
  guard: z
    .boolean()
    .default(true)
    .describe('keep a safer model where the adapted one leaves the range seen on the source'),
});
export type Adaptation = z.output<typeof adaptationSchema>;

/**
 * The method's own blocks and statistics where the configuration names none.
 * @throws GraftError BLOCKS_UNREACHED where the consistency loss would leave named blocks as they are
 */
export function resolveMethod({ method, blocks, statistics, detach }: Adaptation) {
  const own = methods[method];
  const resolved = { ...own, blocks: blocks ?? own.blocks, statistics: statistics ?? own.statistics };
  const unreached = resolved.blocks.filter((block) => !encoder.some((one) => one === block));
  if (detach && own.trains !== 'network' && unreached.length > 0)
    throw adaptError('BLOCKS_UNREACHED', { method, blocks: unreached.join(', '), encoder: encoder.join(', ') });
  return resolved;
}

/** Which encoder block the early head reads at least: the deepest adapted one, so that its loss reaches all of them. */
export const headLevel = (blocks: readonly string[]): number =>
  Math.max(0, ...blocks.map((block) => encoderBlocks.indexOf(block as (typeof encoderBlocks)[number])));
