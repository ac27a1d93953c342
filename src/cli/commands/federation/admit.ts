/** `graft federation admit`: a site becomes a member, and gets a kit. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';
import { cliError } from '../../errors.js';
import { outputFile } from '../../output.js';

export const registerAdmit = (group: Command): void =>
  defineCommand(group, {
    name: 'admit',
    summary: 'Admit a site by its request, and write its kit',
    details:
      'Shows the six words of the request. Call the hospital at a number that you know and let it read out the words that ' +
      '"graft site request" showed there: only if they are the same is the request the hospital’s own. The kit holds no ' +
      'secret and may be sent by e-mail. For a site that was admitted before, the same request gives another kit.',
    arguments: { '<folder>': 'the coordinator’s folder', '<request>': 'file that the hospital sent' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        out: outputFile(z, 'kit').optional().describe('the kit’s file; default: NAME.kit'),
        words: z.string().optional().describe('the six words as the hospital read them out, instead of the question'),
        yes: z.boolean().default(false).describe('the words were compared: ask nothing'),
      });
    },
    examples: [
      ['graft federation admit fed/ site-a.request', 'compare the words, answer, and send site-a.kit to the hospital'],
      [
        'graft federation admit fed/ site-a.request --words "zoo ability abuse account acid action"',
        'without a question: refused if the words differ',
      ],
    ],
    async run(context, { out, words: given, yes }, folder, file) {
      const federation = await import('../../../federation/index.js');
      const { writeFileAtomic } = await import('../../../core/index.js');
      const request = await federation.readRequest(file);
      const { name } = request;
      const words = federation.wordsOf(request.keys);
      if (given !== undefined) federation.checkWords(given, words, file);
      else if (!yes && !(await isConfirmed(`The six words of ${name} are:\n\n  ${context.bold(words)}\n`)))
        throw cliError('UNCONFIRMED', { site: name, words });
      const kit = await federation.admitSite(folder, request);
      const path = out ?? `${name}.kit`;
      writeFileAtomic(path, federation.textOf(kit));
      const coordinator = federation.openCoordinatorFolder(folder).words;
      context.print({ site: name, words, kit: path, coordinator }, () =>
        [
          `${name} is admitted; the six words of its request are: ${words}`,
          `Send ${path} to the hospital; it holds no secret.`,
          `six words of the coordinator, to be read out to the hospital: ${context.bold(coordinator)}`,
          'A broker that runs must read its configuration again: systemctl reload graft-broker',
        ].join('\n'),
      );
    },
  });

/** Asks on the terminal; nobody answers where there is none. */
async function isConfirmed(shown: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(
      `${shown}\nDid the hospital read out the same words? Type yes to admit it: `,
    );
    return answer.trim().toLowerCase() === 'yes';
  } finally {
    terminal.close();
  }
}
