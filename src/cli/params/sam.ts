/** `graft params --model sam-…`: Segment Anything, and what each training plan trains and sends. */
import type { SamArchitecture } from '../../networks/index.js';
import type { AdapterConfig } from '../../peft/index.js';
import { bytes, count, percent } from '../format.js';
import { formatTable } from '../table.js';

interface Options extends Pick<AdapterConfig, 'rank' | 'count' | 'kind' | 'targets'> {
  model: SamArchitecture;
  imageSize: number;
  classes: number;
}
export type SamCounts = Awaited<ReturnType<typeof countSam>>;

export async function countSam({ model, imageSize, classes, rank = 32, count, kind, targets }: Options) {
  const { Sam, samConfig } = await import('../../networks/index.js');
  const { countElements } = await import('../../nn/index.js');
  const { adapterSchema, applyPlan, planNames, plans } = await import('../../peft/index.js');
  const { onDevice } = await import('../../torch/index.js');
  const adapter = adapterSchema.parse({ rank, count, kind, targets });
  // Shapes without memory: ViT-H alone would take 2.5 GB.
  return onDevice('meta', () => {
    const sam = new Sam(samConfig(model, { imageSize, classes }));
    const total = countElements(sam.parameters().values());
    const parts: Record<string, number> = {};
    for (const [name, value] of sam.parameters()) {
      const part = name.split('.')[0];
      parts[part] = (parts[part] ?? 0) + value.size;
    }
    const counted = planNames.map((plan) => {
      const planned = applyPlan(sam, plan, adapter);
      const [trained, transmitted] = [planned.trained, planned.travelling].map((state) =>
        countElements(state.values()),
      );
      planned.undo();
      return {
        plan,
        label: plans[plan].label,
        trained,
        transmitted,
        float32Bytes: 4 * transmitted,
        reduction: total / transmitted, // `full` sends all that the network has
      };
    });
    const chosen = { rank: adapter.rank, count: adapter.count, kind: adapter.kind, targets: adapter.targets };
    return { config: { imageSize, classes }, total, parts, adapter: chosen, plans: counted };
  });
}

/** What people read of it. */
export function describeSam(model: string, counts: SamCounts, width: number, bold: (text: string) => string): string {
  const { total, parts, adapter, config } = counts;
  const { rank, kind } = adapter;
  const several = adapter.count > 1 ? `${adapter.count} × ` : '';
  const classes = config.classes === 1 ? 'one class' : `${config.classes} classes`;
  const title = `${model} at ${config.imageSize} pixels, ${classes} and background`;
  return [
    `${bold(`${title}: ${count(total)} parameters`)} (${bytes(4 * total)} as float32)`,
    formatTable(
      ['part', 'parameters', 'of all'],
      Object.entries(parts).map(([name, value]) => [name, value, percent(value / total)]),
      { width },
    ),
    bold(
      `Training plans with ${several}${kind === 'dora' ? 'DoRA' : 'LoRA'} of rank ${rank}, and what travels one way`,
    ),
    formatTable(
      ['plan', 'trains', 'trained', 'travels', 'float32', 'reduction'],
      counts.plans.map(({ plan, label, trained, transmitted, float32Bytes, reduction }) => [
        plan,
        label,
        ...[trained, transmitted].map(count),
        bytes(float32Bytes),
        reduction.toFixed(2),
      ]),
      { width },
    ),
    'These are the tensors alone; a message also carries their names and shapes.',
  ].join('\n\n');
}
