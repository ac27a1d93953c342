/** The parts of a network that is adapted without labels, and ConvLoRA in each placement. */
import type { NetworkFamily } from '../../networks/index.js';
import { bytes, count, percent } from '../format.js';
import { parseOptions } from '../options.js';
import { formatTable } from '../table.js';

interface Options {
  model: string;
  family: NetworkFamily;
  /** The family's own configuration. */
  config: Record<string, number>;
  rank?: number | undefined;
  kernels?: number[] | undefined;
  blocks?: string[] | undefined;
}
export type PlacementCounts = Awaited<ReturnType<typeof countPlacements>>;

export async function countPlacements({ model, family, config, rank = 2, kernels, blocks }: Options) {
  const { countElements } = await import('../../nn/index.js');
  const { applyPlan } = await import('../../peft/index.js');
  const { onDevice } = await import('../../torch/index.js');
  // Shapes without memory, whatever the rank.
  return onDevice('meta', () => {
    const { encoder, decoder } = family.blocks;
    const network = family.build(config);
    const total = countElements(network.parameters().values());
    const runningStatistics = countElements(network.buffers().values());

    const perBlock: Record<string, number> = {};
    for (const [name, value] of network.parameters()) {
      const block = name.split('.')[0];
      perBlock[block] = (perBlock[block] ?? 0) + value.size;
    }
    const levels = encoder.map((_, level) => level);
    const earlyHeads = (family.heads?.(network, levels) ?? []).map((head) => {
      const parameters = countElements(head.parameters().values());
      return { level: head.level, block: encoder[head.level], parameters };
    });
    const place = (chosen: readonly string[]) => {
      const options = parseOptions(
        family.adapter,
        { rank, blocks: [...chosen], ...(kernels && { kernels }) },
        'params',
      );
      const planned = applyPlan(network, family.plans.convlora, options);
      const factors = countElements(planned.attached!.parameters());
      const trained = countElements(planned.trained.values());
      planned.undo();
      const float32Bytes = 4 * (trained + runningStatistics);
      return { blocks: chosen, factors, affine: trained - factors, trained, share: trained / total, float32Bytes };
    };
    const downwards = encoder.map((_, i) => encoder.slice(0, i + 1));
    const placements = blocks ? [blocks] : [...downwards, [...encoder, ...decoder]];
    const title = `${model}: ${family.describe(config)}`;
    return {
      title,
      remark: family.remark?.(config),
      config,
      total,
      blocks: perBlock,
      earlyHeads,
      runningStatistics,
      rank,
      placements: placements.map(place),
    };
  });
}

/** What people read of it. */
export function describePlacements(counts: PlacementCounts, width: number, bold: (text: string) => string): string {
  const { total, runningStatistics, rank } = counts;
  const integers = (values: number[]) => values.map(count);
  const parts = [
    `${bold(`${counts.title}: ${count(total)} parameters`)} (${bytes(4 * total)} as float32)`,
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
  if (counts.remark) parts.push(counts.remark);
  return parts.join('\n\n');
}
