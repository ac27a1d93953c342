/** `graft evaluate`: masks against the truth. */
import type { Command } from 'commander';
import type { Evaluation } from '../../compare/index.js';
import { defineCommand } from '../command.js';
import { outputFile } from '../output.js';
import { formatTable } from '../table.js';

export const registerEvaluate = (program: Command): void =>
  defineCommand(program, {
    name: 'evaluate',
    summary: 'Measure masks against reference labels',
    details:
      'Compares every mask of PREDICTIONS with the label of the same name in LABELS: Dice, surface Dice, 95 % Hausdorff ' +
      'distance, average surface distance, volume difference and signed boundary bias, for each class. Both empty counts as Dice 1. A label without a ' +
      'mask is an error unless --missing says what it is. Below ' +
      'the cases: each measure with its mean, 95 % bootstrap interval and median, and the worst cases.',
    arguments: { '<predictions>': 'folder of NIfTI masks', '<labels>': 'folder of NIfTI labels' },
    options: async () => {
      const [{ z }, { classNamesSchema }] = await Promise.all([import('zod'), import('../../data/index.js')]);
      return z.strictObject({
        classes: classNamesSchema.default(['foreground']).describe('names of the labels 1, 2, …'),
        tolerance: z.number().positive().default(2).describe('of the surface Dice, in mm'),
        ignore: z
          .int()
          .min(1)
          .max(255)
          .optional()
          .describe('the labels’ value of voxels that count for nothing, as nnU-Net’s ignore'),
        missing: z
          .enum(['error', 'zero', 'skip'])
          .default('error')
          .describe('what a label without a mask is: a mistake, a mask of nothing, or left out and named'),
        csv: outputFile(z, 'scores').optional().describe('also write every case and class to this file'),
      });
    },
    examples: [
      ['graft evaluate masks data/lju-t2/labels', 'one class'],
      ['graft evaluate masks labels --classes anterior,posterior --tolerance 1 --json', 'two classes, as JSON'],
      ['graft evaluate masks labels --csv scores.csv', 'a table for R, pandas or a spreadsheet'],
    ],
    async run(context, { classes, tolerance, ignore, missing: choice, csv }, predictions, labels) {
      const { measures, scoresCsv, summariseScores } = await import('../../compare/index.js');
      const { scoreFolder, shownNames } = await import('../../jobs/index.js');
      const options = { ignore, missing: choice };
      const { scores, missing } = await context.follow(scoreFolder(predictions, labels, classes, tolerance, options));
      const summary = summariseScores(scores, classes);
      if (csv !== undefined) {
        const { writeFileAtomic } = await import('../../core/index.js');
        writeFileAtomic(
          csv,
          scoresCsv(scores.map(({ name, classes: found }) => ({ origin: { case: name }, classes: found }))),
        );
      }
      context.print({ toleranceMm: tolerance, cases: scores, summary, missing: { names: missing, as: choice } }, () => {
        const rows = scores.flatMap(({ name, classes: found }) =>
          Object.entries(found).map(([label, one]) => [
            ...[name, label],
            ...[
              ...[one.dice, one.surfaceDice, one.hausdorff95, one.averageSurfaceDistance],
              ...[one.volumeDifferenceMl, one.boundaryBias],
            ].map((value) => value ?? undefined),
          ]),
        );
        const header = [
          'case',
          'class',
          'Dice',
          `surface Dice ${tolerance} mm`,
          'HD95 mm',
          'ASD mm',
          'volume diff. ml',
          'bias mm',
        ];
        const titles = Object.fromEntries(Object.entries(measures).map(([name, { title }]) => [name, title]));
        return [
          formatTable(header, rows, { width: context.width }),
          summaryTable(
            summary,
            { ...titles, surfaceDice: header[3], boundaryBias: 'boundary bias (mm)' },
            context.width,
          ),
          `worst: ${summary.worst.map(({ name, value }) => `${name} (Dice ${value.toFixed(3)})`).join(', ')}`,
          ...(missing.length > 0
            ? [
                `without a mask, ${choice === 'zero' ? 'counted as masks of nothing' : 'left out'}: ${missing.length} (${shownNames(missing)})`,
              ]
            : []),
        ].join('\n\n');
      });
    },
  });

/** A row for every class and measure. */
function summaryTable({ classes }: Evaluation, titles: Record<string, string>, width: number): string {
  const number = (value: number) => (Number.isFinite(value) ? value.toFixed(3) : value > 0 ? '∞' : '–');
  const rows = Object.entries(classes).flatMap(([name, measures]) =>
    Object.entries(measures).map(([measure, { count, infinite, mean, sd, interval, median, quartiles }]) => [
      ...[name, titles[measure]],
      infinite > 0 ? `${count}, ${infinite} without` : String(count),
      ...[mean, sd].map(number),
      interval ? interval.map(number).join(' to ') : undefined,
      number(median),
      quartiles.map(number).join(' to '),
    ]),
  );
  return formatTable(['class', 'measure', 'cases', 'mean', 'sd', '95 % interval', 'median', 'quartiles'], rows, {
    width,
  });
}
