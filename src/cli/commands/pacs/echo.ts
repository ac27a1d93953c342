/** `graft pacs echo`: whether a peer answers. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';

export const registerEcho = (group: Command): void =>
  defineCommand(group, {
    name: 'echo',
    summary: 'Ask a peer whether it answers (C-ECHO)',
    details:
      'Asks for an association and sends C-ECHO. The error says whether nobody listens there, or whether the peer does not ' +
      'know one of the two titles.',
    arguments: { '<peer>': 'TITLE@HOST:PORT' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({ aet: z.string().default('GRAFT').describe('title by which graft calls itself') });
    },
    examples: [['graft pacs echo PACS@pacs.example.org:104 --aet GRAFT', 'before masks are sent there']],
    async run(context, { aet }, address) {
      const { echo, peerOf, peerName } = await import('../../../pacs/index.js');
      const peer = peerOf(address, aet);
      await echo(peer, context.signal);
      const name = peerName(peer);
      context.print({ peer: name, answers: true }, () => `${name} answers.`);
    },
  });
