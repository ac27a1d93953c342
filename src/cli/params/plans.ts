/** What each training plan of a network trains and sends. */
import type { NetworkFamily } from '../../networks/index.js';
import { bytes, count, percent } from '../format.js';
import { parseOptions } from '../options.js';
import { formatTable } from '../table.js';

interface Options {
  model: string;
  family: NetworkFamily;
  classes: number;
  /** The family's. */
  settings: Record<string, unknown>;
  /** Options of the plans' adapters. */
  adapter: Record<string, unknown>;
}
export type PlanCounts = Awaited<ReturnType<typeof countPlans>>;

export async function countPlans({ model, family, classes, settings, adapter: given }: Options) {
  const { countElements } = await import('../../nn/index.js');
  const { applyPlan } = await import('../../peft/index.js');
  const { onDevice } = await import('../../torch/index.js');
  const adapter = parseOptions(family.adapter, given, 'params') as Record<string, unknown>;
  // Shapes without memory: ViT-H alone would take 2.5 GB.
  return onDevice('meta', () => {
    const network = family.build(family.configure(model, classes, settings));
    const total = countElements(network.parameters().values());
    const parts: Record<string, number> = {};
    for (const [name, value] of network.parameters()) {
      const part = name.split('.')[0];
      parts[part] = (parts[part] ?? 0) + value.size;
    }
    const counted = Object.values(family.plans).map((plan) => {
      const planned = applyPlan(network, plan, adapter, { normalisation: 'local' });
      const [trained, transmitted] = [planned.trained, planned.travelling].map((state) =>
        countElements(state.values()),
      );
      planned.undo();
      return {
        plan: plan.name,
        label: plan.label,
        trained,
        transmitted,
        float32Bytes: 4 * transmitted,
        reduction: total / transmitted, // `full` sends all that the network has
      };
    });
    return { config: { ...settings, classes }, total, parts, adapter, plans: counted };
  });
}

/** What people read of it. */
export function describePlans(
  model: string,
  counts: PlanCounts,
  width: number,
  bold: (text: string) => string,
): string {
  const { total, parts, adapter, config } = counts;
  const several = Number(adapter.count ?? 1) > 1 ? `${adapter.count} × ` : '';
  const classes = config.classes === 1 ? 'one class' : `${config.classes} classes`;
  const { imageSize } = config as { imageSize?: number };
  const title = `${model}${imageSize === undefined ? '' : ` at ${imageSize} pixels`}, ${classes} and background`;
  return [
    `${bold(`${title}: ${count(total)} parameters`)} (${bytes(4 * total)} as float32)`,
    formatTable(
      ['part', 'parameters', 'of all'],
      Object.entries(parts).map(([name, value]) => [name, value, percent(value / total)]),
      { width },
    ),
    ...planTable(
      `Training plans with ${several}${adapter.kind === 'dora' ? 'DoRA' : 'LoRA'} of rank ${adapter.rank}, and what travels one way`,
      counts,
      width,
      bold,
    ),
  ].join('\n\n');
}

function planTable(title: string, { plans }: PlanCounts, width: number, bold: (text: string) => string): string[] {
  return [
    bold(title),
    formatTable(
      ['plan', 'trains', 'trained', 'travels', 'float32', 'reduction'],
      plans.map(({ plan, label, trained, transmitted, float32Bytes, reduction }) => [
        plan,
        label,
        ...[trained, transmitted].map(count),
        bytes(float32Bytes),
        reduction.toFixed(2),
      ]),
      { width },
    ),
    'These are the tensors alone; a message also carries their names and shapes.',
  ];
}
