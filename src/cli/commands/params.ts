/** `graft params`: how many parameters a network has and how few an adapter trains, counted on the real thing. */
import type { Command } from 'commander';
import type { UNetBlock } from '../../models/index.js';
import { defineCommand } from '../command.js';
import { bytes, count, percent } from '../format.js';
import type { Context } from '../run-command.js';
import { formatTable } from '../table.js';

type Counts = Awaited<ReturnType<typeof countUNet>>;
type Options = Awaited<ReturnType<typeof paramsOptions>>['_output'];

export const registerParams = (program: Command): void =>
  defineCommand(program, {
    name: 'params',
    summary: 'Count the parameters of a network and of its adapters',
    details: 'Networks and adapters are built and their tensors counted; no formula is involved.',
    options: paramsOptions,
    examples: [
      ['graft params', 'the U-Net of the ConvLoRA paper, and every adapter from the image downwards'],
      ['graft params --filters 32 --rank 4', 'a wider network, a larger rank'],
      ['graft params --blocks init_path,out_path --json', 'one placement, for a program'],
    ],
    async run(context, options) {
      const counts = await countUNet(options);
      context.print({ model: options.model, ...counts }, () => describe(counts, options, context));
    },
  });

async function paramsOptions() {
  const [{ z }, { unet2dSchema, unetBlocks }, { convLoraSchema }] = await Promise.all([
    import('zod'),
    import('../../models/index.js'),
    import('../../peft/index.js'),
  ]);
  return z.strictObject({
    model: z.enum(['unet2d']).default('unet2d').describe('architecture'),
    ...unet2dSchema.shape,
    rank: convLoraSchema.shape.rank,
    kernels: convLoraSchema.shape.kernels,
    blocks: z
      .array(z.enum(unetBlocks))
      .min(1)
      .optional()
      .describe('blocks that carry ConvLoRA; otherwise all placements from the image downwards are listed'),
  });
}

async function countUNet({ inChannels, outChannels, filters, rank, kernels, blocks }: Options) {
  const { EarlyHead, encoderBlocks, UNet2D, unetBlocks } = await import('../../models/index.js');
  const { countElements } = await import('../../nn/index.js');
  const { attachConvLora, trainableParameters } = await import('../../peft/index.js');
  const config = { inChannels, outChannels, filters };
  const network = new UNet2D(config);
  const total = countElements(network.parameters().values());
  const runningStatistics = countElements(network.buffers().values());

  const perBlock: Record<string, number> = {};
  for (const [name, value] of network.parameters()) {
    const block = name.split('.')[0];
    perBlock[block] = (perBlock[block] ?? 0) + value.size;
  }
  const earlyHeads = encoderBlocks.map((block, level) => {
    const head = new EarlyHead(level, config);
    return { level, block, parameters: countElements(head.parameters().values()) };
  });
  const place = (chosen: readonly UNetBlock[]) => {
    const adapter = attachConvLora(network, chosen, kernels ? { rank, kernels } : { rank });
    const factors = countElements(adapter.parameters());
    const trained = countElements(trainableParameters(network, chosen, adapter).values());
    adapter.detach();
    const float32Bytes = 4 * (trained + runningStatistics);
    return { blocks: chosen, factors, affine: trained - factors, trained, share: trained / total, float32Bytes };
  };
  const placements = blocks ? [blocks] : [...encoderBlocks.map((_, i) => encoderBlocks.slice(0, i + 1)), unetBlocks];
  return { config, total, blocks: perBlock, earlyHeads, runningStatistics, rank, placements: placements.map(place) };
}

function describe(
  counts: Counts,
  { model, filters, inChannels, outChannels }: Options,
  { width, bold }: Context,
): string {
  const { total, runningStatistics, rank } = counts;
  const integers = (values: number[]) => values.map(count);
  const parts = [
    `${bold(`${model}, ${filters} filters, ${inChannels} to ${outChannels} channels: ${count(total)} parameters`)} (${bytes(4 * total)} as float32)`,
    formatTable(
      ['block', 'parameters', 'of all'],
      Object.entries(counts.blocks).map(([name, value]) => [name, value, percent(value / total)]),
      { width },
    ),
    formatTable(
      ['early head', 'reads', 'parameters'],
      counts.earlyHeads.map(({ level, block, parameters }) => [`level ${level}`, block, parameters]),
      { width },
    ),
    bold(`ConvLoRA of rank ${rank}: what is trained, and what an adapter weighs`),
    formatTable(
      ['blocks', 'LoRA', 'BN affine', 'trained', 'of all', 'float32'],
      counts.placements.map(({ blocks, factors, affine, trained, share, float32Bytes }) => [
        blocks.join(' '),
        ...integers([factors, affine, trained]),
        percent(share),
        bytes(float32Bytes),
      ]),
      { width },
    ),
    `An adapter holds what was trained and all ${count(runningStatistics)} running statistics of batch normalisation.`,
  ];
  if (model === 'unet2d' && filters === 16)
    parts.push(
      'The ConvLoRA paper states 24.3 M parameters for this network; its own code has 2.43 M, as counted here.',
    );
  return parts.join('\n\n');
}
