/** `graft data deidentify`: DICOM images without what identifies their patients. */
import type { Command } from 'commander';
import { exitCodes, forward } from '../../../core/index.js';
import type { Deidentified, ProfileOption } from '../../../data/index.js';
import { auditOption, startAudit } from '../../audit.js';
import { defineCommand } from '../../command.js';
import { count } from '../../format.js';
import type { ProgressEvent } from '../../progress.js';
import { formatTable } from '../../table.js';

export const registerDeidentify = (group: Command): void =>
  defineCommand(group, {
    name: 'deidentify',
    summary: 'Write DICOM images without what identifies their patients',
    details:
      'After DICOM PS3.15, annex E: the basic profile with the options that --profile names. Writes ' +
      'OUT/PATIENT/SERIES/IMAGE.dcm, with the same pixels and geometry, and OUT/deidentification.json: what was removed. ' +
      'Names, identifiers and dates are replaced under a key that stays on this machine, so a patient stays the same ' +
      'patient in every run. The source is only read. An interrupted command is given again and goes on. Images that say ' +
      'that text is in their pixels, and files that are no images, are not written; where that or damage leaves an image ' +
      `out, the exit code is ${exitCodes.data}. Look at the images before they are passed on: pixels are not changed.`,
    arguments: { '<in>': 'folder of DICOM files, or one file', '<out>': 'new folder, or the one of the same command' },
    options: async () => {
      const [{ z }, { profileOptions }] = await Promise.all([import('zod'), import('../../../data/index.js')]);
      return z.strictObject({
        profile: z
          .array(z.enum(['basic', ...profileOptions] as [string, ...string[]]))
          .default(['basic'])
          .describe('basic, and options of it'),
        burnedIn: z.boolean().default(false).describe('write images that say that text is in their pixels, too'),
        key: z
          .string()
          .optional()
          .describe('the key’s file; default: ~/.config/graft/pseudonym.key, made at its first use'),
        ...auditOption(z),
      });
    },
    examples: [
      ['graft data deidentify /export/2024-05 /share/study', 'the basic profile: no dates, no descriptions'],
      [
        'graft data deidentify /export/2024-05 /share/study \\\n    --profile modify-dates,clean-descriptors,retain-patient,retain-device',
        'with what research needs: intervals, kinds of series, age and sex, scanners',
      ],
    ],
    async run(context, { profile, burnedIn, key, audit }, input, out) {
      const { deidentifyFolder, pseudonymKey } = await import('../../../data/index.js');
      const chosen = profile.filter((name): name is ProfileOption => name !== 'basic');
      const work = deidentifyFolder(input, out, { profile: chosen, burnedIn, key: pseudonymKey(key) });
      const done = await context.follow(withEvents(work));
      using record = await startAudit(context, 'data deidentify', { folder: out, audit });
      for (const { message } of done.problems) record.warns(message);
      record.finish();
      context.print({ out, ...done }, () => describe(done, out, context.width));
      return done.problems.some(({ stops }) => stops) ? exitCodes.data : 0;
    },
  });

function describe({ elements, problems, ...done }: Deidentified, out: string, width: number): string {
  const rows = elements.map(({ element, name, done, count }) => [element, name, done, count]);
  return [
    formatTable(['element', 'name', 'what was done', 'times'], rows, { width }),
    `${out}: ${count(done.written)} images written, ${count(done.present)} there already; ` +
      `${count(done.series)} series of ${count(done.patients)} patients.`,
    ...problems.map(({ message, hint }) => `warning: ${message} ${hint}`),
  ].join('\n');
}

async function* withEvents(
  work: Generator<{ done: number; total: number }, Deidentified>,
): AsyncGenerator<ProgressEvent, Deidentified> {
  yield { kind: 'task', name: 'deidentify' };
  const result = yield* forward(work, (step) => [{ kind: 'step', ...step } as const]);
  yield { kind: 'done', name: 'deidentify' };
  return result;
}
