/** `graft audit verify`: whether an audit file or a journal is as it was written. */
import type { Command } from 'commander';
import { exitCodes } from '../../../core/index.js';
import { defineCommand } from '../../command.js';

export const registerVerify = (group: Command): void =>
  defineCommand(group, {
    name: 'verify',
    summary: 'Verify that no line of an audit file or a journal was changed, removed or added',
    details:
      'Follows the hashes from the first line to the last, checks the signatures of a journal, and names the first line that ' +
      `does not follow from the one before or is not signed; the exit code is then ${exitCodes.data}. A file cannot show by ` +
      'itself that lines at its end were removed: note the head that is printed somewhere else, and give it later with ' +
      '--anchor. The coordinator and the sites note each other’s heads, so --witness finds it too.',
    arguments: { '<path>': 'audit file or journal, or the folder that it lies in' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        anchor: z
          .string()
          .regex(/^[0-9a-fA-F]{64}$/, 'expected a head, 64 hexadecimal digits')
          .optional()
          .describe('a head that was noted earlier: the file must still hold that line'),
        key: z.string().optional().describe('the public key that must have signed a journal (DER in base64)'),
        witness: z
          .string()
          .optional()
          .describe('another party’s journal, or its folder: every head that this one told it must still be there'),
      });
    },
    examples: [
      ['graft audit verify predictions', 'is every line as it was written?'],
      ['graft audit verify predictions --anchor 5f0c…', 'and is all there that was there when this head was noted?'],
      ['graft audit verify fed --witness site-a', 'is all there that the coordinator told this site?'],
    ],
    async run(context, { anchor, key, witness }, path) {
      const { findAudit, verifyAudit } = await import('../../../audit/index.js');
      const file = findAudit(path);
      const other = witness === undefined ? undefined : findAudit(witness);
      const { count, head, signed, witnessed } = verifyAudit(file, { anchor, key, witness: other });
      context.print({ file, lines: count, head, anchor, signed, witnessed }, () =>
        [
          `${file}: ${count} ${count === 1 ? 'line' : 'lines'}, each follows from the one before`,
          ...(signed ? [`signed by ${signed.by} with the key ${signed.key}`] : []),
          `head: ${head}`,
          ...(anchor ? ['The line with the anchor is there, so nothing up to it was changed or removed.'] : []),
          ...(other ? [`All ${witnessed} heads that ${other} was told are there.`] : []),
          ...(anchor || other
            ? []
            : ['Note the head elsewhere: with --anchor it shows later whether the end is still there.']),
        ].join('\n'),
      );
    },
  });
