/** `graft params --model unet2d`: the U-Net, and ConvLoRA in each placement. */
import type { UNet2DConfig, UNetBlock } from '../../networks/index.js';
import { bytes, count, percent } from '../format.js';
import { formatTable } from '../table.js';

interface Options extends UNet2DConfig {
  rank?: number | undefined;
  kernels?: number[] | undefined;
  blocks?: UNetBlock[] | undefined;
}
export type UNetCounts = Awaited<ReturnType<typeof countUNet>>;

export async function countUNet({ inChannels, outChannels, filters, rank = 2, kernels, blocks }: Options) {
  const { EarlyHead, encoderBlocks, UNet2D, unetBlocks } = await import('../../networks/index.js');
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

/** What people read of it. */
export function describeUNet(counts: UNetCounts, width: number, bold: (text: string) => string): string {
  const { total, runningStatistics, rank } = counts;
  const { inChannels, outChannels, filters } = counts.config;
  const integers = (values: number[]) => values.map(count);
  const parts = [
    `${bold(`unet2d, ${filters} filters, ${inChannels} to ${outChannels} channels: ${count(total)} parameters`)} (${bytes(4 * total)} as float32)`,
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
  if (filters === 16)
    parts.push(
      'The ConvLoRA paper states 24.3 M parameters for this network; its own code has 2.43 M, as counted here.',
    );
  return parts.join('\n\n');
}
