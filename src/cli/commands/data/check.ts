/** `graft data check`: whether a data set is whole. */
import type { Command } from 'commander';
import { didYouMean, exitCodes, forward } from '../../../core/index.js';
import type { Checkable, DatasetCheck } from '../../../data/index.js';
import { defineCommand } from '../../command.js';
import { cliError } from '../../errors.js';
import type { ProgressEvent } from '../../progress.js';
import { formatTable } from '../../table.js';

export const registerCheck = (group: Command): void =>
  defineCommand(group, {
    name: 'check',
    summary: 'Say what is missing or broken in a data set',
    details:
      'SET is a benchmark set (fed-kits19, fed-ixi, prostate, cc359) or a layout (plain, msd, nnunet, bids, csv, or auto, ' +
      'which looks at the folder). Every image and label is read; a broken one does not stop the others. Where anything ' +
      `is missing or broken the exit code is ${exitCodes.data}, and of a benchmark set it says where it is to be had.`,
    arguments: { '<set>': 'benchmark set or layout' },
    options: async () => {
      const [{ z }, { classNamesSchema }] = await Promise.all([import('zod'), import('../../../data/index.js')]);
      return z.strictObject({
        root: z.string().describe('folder of the data set, or CSV table'),
        classes: classNamesSchema.optional().describe('names of the labels 1, 2, …; default: what the set says'),
        masks: z.string().optional().describe('bids: regular expression that tells which masks are the labels'),
      });
    },
    examples: [
      ['graft data check cc359 --root data/CC359', 'are all 359 cases there, and whole?'],
      ['graft data check auto --root data/brain --classes brain', 'a data set of your own'],
      ['graft data check nnunet --root nnUNet_raw/Dataset005_Prostate --json', 'the faults as JSON'],
    ],
    async run(context, { root, classes, masks }, set) {
      const { benchmarks, checkDataset, isBenchmark, layoutNames } = await import('../../../data/index.js');
      const sets = [...Object.keys(benchmarks), 'auto', ...layoutNames];
      if (!sets.includes(set)) {
        const problems = `SET is "${set}"${didYouMean(set, sets)} Known are ${sets.join(', ')}`;
        throw cliError('OPTION_INVALID', { problems, command: 'data check' });
      }
      const check = await context.follow(withEvents(checkDataset(set as Checkable, root, { classes, masks })));
      const whole = check.findings.length === 0;
      const obtain = whole || !isBenchmark(set) ? undefined : benchmarks[set];
      const findings = check.findings.map(({ fault: { code, message, hint }, ...one }) => ({
        ...one,
        code,
        message,
        hint,
      }));
      context.print({ set, root, whole, sites: check.sites, findings, ...(obtain && { obtain: obtain.obtain }) }, () =>
        [
          ...(check.sites.length > 0 ? [tableOf(check, context.width)] : []),
          ...(whole ? ['Nothing is missing or broken.'] : [findingsOf(check, context.bold)]),
          ...(obtain
            ? [
                [context.bold('The set is to be had:'), ...obtain.obtain, 'Files lie as in:', ...obtain.tree].join(
                  '\n  ',
                ),
              ]
            : []),
        ].join('\n\n'),
      );
      return whole ? 0 : exitCodes.data;
    },
  });

function tableOf({ sites }: DatasetCheck, width: number): string {
  const known = sites.some(({ expected }) => expected !== undefined);
  const rows = sites.map(({ site, cases, expected, labels, faulty }) => [
    ...[site, cases],
    ...(known ? [expected] : []),
    ...[labels, faulty],
  ]);
  return formatTable(['site', 'cases', ...(known ? ['expected'] : []), 'labels', 'with faults'], rows, { width });
}

/** Faults with one hint that a person reads. */
const shown = 20;

/** One line a fault, and each hint once, after the faults that it helps with. */
function findingsOf({ findings }: DatasetCheck, bold: (text: string) => string): string {
  const hints = [...new Set(findings.map(({ fault }) => fault.hint))];
  const blocks = hints.map((hint) => {
    const found = findings.filter(({ fault }) => fault.hint === hint);
    const lines = found.slice(0, shown).map(({ fault }) => `${fault.code}  ${fault.message}`);
    const more = found.length > shown ? [`… and ${found.length - shown} more; --json lists all`] : [];
    return [...lines, ...more, `  ${bold('hint:')} ${hint}`].join('\n');
  });
  return [bold(`${findings.length} ${findings.length === 1 ? 'fault' : 'faults'}`), ...blocks].join('\n\n');
}

async function* withEvents(
  check: Generator<{ done: number; total: number }, DatasetCheck>,
): AsyncGenerator<ProgressEvent, DatasetCheck> {
  yield { kind: 'task', name: 'check' };
  const result = yield* forward(check, (step) => [{ kind: 'step', ...step } as const]);
  yield { kind: 'done', name: 'check' };
  return result;
}
