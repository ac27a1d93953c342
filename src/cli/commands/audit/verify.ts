/** `graft audit verify`: whether an audit file is as it was written. */
import type { Command } from 'commander';
import { exitCodes } from '../../../core/index.js';
import { defineCommand } from '../../command.js';

export const registerVerify = (group: Command): void =>
  defineCommand(group, {
    name: 'verify',
    summary: 'Verify that no line of an audit file was changed, removed or added',
    details:
      'Follows the hashes from the first line to the last and names the first line that does not follow from the one ' +
      `before; the exit code is then ${exitCodes.data}. A file cannot show by itself that lines at its end were removed or the ` +
      'last one changed: note the head that is printed somewhere else, and give it later with --anchor.',
    arguments: { '<path>': 'audit file, or the folder that it lies in' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        anchor: z
          .string()
          .regex(/^[0-9a-fA-F]{64}$/, 'expected a head, 64 hexadecimal digits')
          .optional()
          .describe('a head that was noted earlier: the file must still hold that line'),
      });
    },
    examples: [
      ['graft audit verify predictions', 'is every line as it was written?'],
      ['graft audit verify predictions --anchor 5f0c…', 'and is all there that was there when this head was noted?'],
    ],
    async run(context, { anchor }, path) {
      const { findAudit, verifyAudit } = await import('../../../audit/index.js');
      const file = findAudit(path);
      const { count, head } = verifyAudit(file, anchor);
      context.print({ file, lines: count, head, anchor }, () =>
        [
          `${file}: ${count} ${count === 1 ? 'line' : 'lines'}, each follows from the one before`,
          `head: ${head}`,
          anchor
            ? 'The line with the anchor is there, so nothing up to it was changed or removed.'
            : 'Note the head elsewhere: with --anchor it shows later whether the end is still there.',
        ].join('\n'),
      );
    },
  });
