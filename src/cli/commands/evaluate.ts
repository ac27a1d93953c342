/** `graft evaluate`: masks against the truth. */
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
import type { ProgressEvent } from '../progress.js';
import { formatTable } from '../table.js';

export const registerEvaluate = (program: Command): void =>
  defineCommand(program, {
    name: 'evaluate',
    summary: 'Measure masks against reference labels',
    details:
      'Compares every mask of PREDICTIONS with the label of the same name in LABELS: Dice, surface Dice, 95 % Hausdorff ' +
      'distance, average surface distance and volume difference, for each class. Both empty counts as Dice 1.',
    arguments: { '<predictions>': 'folder of NIfTI masks', '<labels>': 'folder of NIfTI labels' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        classes: z.array(z.string()).default(['foreground']).describe('names of the labels 1, 2, …'),
        tolerance: z.number().positive().default(2).describe('of the surface Dice, in mm'),
      });
    },
    examples: [
      ['graft evaluate masks data/lju-t2/labels', 'one class'],
      ['graft evaluate masks labels --classes anterior,posterior --tolerance 1 --json', 'two classes, as JSON'],
    ],
    async run(context, { classes, tolerance }, predictions, labels) {
      const { scoreFolder } = await import('../../runs/index.js');
      const scores = await context.follow(withEvents(scoreFolder(predictions, labels, classes, tolerance)));
      context.print({ toleranceMm: tolerance, cases: scores }, () => {
        const measures = [
          'dice',
          'surfaceDice',
          'hausdorff95',
          'averageSurfaceDistance',
          'volumeDifferenceMl',
        ] as const;
        const rows = scores.flatMap(({ name, classes: found }) =>
          Object.entries(found).map(([label, one]) => [name, label, ...measures.map((key) => one[key] ?? undefined)]),
        );
        const header = [
          'case',
          'class',
          'Dice',
          `surface Dice ${tolerance} mm`,
          'HD95 mm',
          'ASD mm',
          'volume diff. ml',
        ];
        return formatTable(header, rows, { width: context.width });
      });
    },
  });

/** Counts cases while they come. */
async function* withEvents<T>(
  cases: Generator<{ done: number; total: number; score: T }>,
): AsyncGenerator<ProgressEvent, T[]> {
  const scores: T[] = [];
  yield { kind: 'task', name: 'evaluate' };
  for (const { done, total, score } of cases) {
    scores.push(score);
    yield { kind: 'step', done, total };
  }
  yield { kind: 'done', name: 'evaluate' };
  return scores;
}
