/** `graft data inspect`: every image of a folder at a glance, and what needs a choice before training. */
import type { Command } from 'commander';
import { exitCodes } from '../../../core/index.js';
import { defineCommand } from '../../command.js';
import { outputFile } from '../../output.js';

export const registerInspect = (group: Command): void =>
  defineCommand(group, {
    name: 'inspect',
    summary: 'Look at every image before training',
    details:
      'Lists spacing, size, orientation, intensities and label volumes by case and by site, and draws a contact sheet. ' +
      'Where sites differ so much that a choice is due it says so, with the line of a recipe that makes it. FOLDER is a ' +
      'data set in any layout that graft knows, a folder of DICOM series (patients appear under pseudonyms), or any ' +
      `folder with NIfTI volumes. A file that cannot be read stops nothing else; the exit code is then ${exitCodes.data}.`,
    arguments: { '<folder>': 'data set, folder of DICOM or NIfTI files, or one NIfTI file' },
    options: async () => {
      const [{ z }, { benchmarkNames, layoutNames }] = await Promise.all([
        import('zod'),
        import('../../../data/index.js'),
      ]);
      return z.strictObject({
        sheet: outputFile(z, 'picture')
          .nullable()
          .default('contact-sheet.png')
          .describe(
            'PNG file with three slices of every case, and NAME-2.png and so on beyond 100; older ones are replaced',
          ),
        layout: z
          .enum(['auto', ...layoutNames, ...benchmarkNames])
          .default('auto')
          .describe('how the data set lies on the disk, or which benchmark set it is; auto looks at the folder'),
        masks: z.string().optional().describe('bids: regular expression that tells which masks are the labels'),
      });
    },
    examples: [
      ['graft data inspect data/brain', 'a table of cases and sites, warnings, and contact-sheet.png'],
      ['graft data inspect /export/2024-05 --sheet sheets/may.png', 'what a scanner exported, as DICOM'],
      ['graft data inspect data/CC359 --layout cc359', 'a benchmark set as it is published'],
      ['graft data inspect data/brain --sheet none --json', 'for a program, without pictures'],
    ],
    async run(context, options, folder) {
      const [{ inspectFolder }, { describeInspection }] = await Promise.all([
        import('../../../jobs/index.js'),
        import('./describe-inspection.js'),
      ]);
      const inspection = await context.follow(inspectFolder(folder, options));
      context.print(inspection, () => describeInspection(inspection, context.width, context.bold));
      const broken = inspection.faults.length > 0 || inspection.cases.some(({ faults }) => faults.length > 0);
      return broken ? exitCodes.data : 0;
    },
  });
