/** `graft pacs echo`: whether a peer answers. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';
import { checkTls, tlsOptions } from '../../pacs.js';

export const registerEcho = (group: Command): void =>
  defineCommand(group, {
    name: 'echo',
    summary: 'Ask a peer whether it answers (C-ECHO)',
    details:
      'Asks for an association and sends C-ECHO. The error says whether nobody listens there, or whether the peer does not ' +
      'know one of the two titles; over TLS also whether either side does not believe the other’s certificate.',
    arguments: { '<peer>': 'TITLE@HOST:PORT, over TLS tls://TITLE@HOST:PORT' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        aet: z.string().default('GRAFT').describe('title by which graft calls itself'),
        ...tlsOptions(z),
      });
    },
    examples: [
      ['graft pacs echo PACS@pacs.example.org:104 --aet GRAFT', 'before masks are sent there'],
      [
        'graft pacs echo tls://PACS@pacs.example.org:2762 --ca hospital-ca.pem \\\n    --certificate graft.pem --key graft.key',
        'over TLS, to a peer that asks for a certificate',
      ],
    ],
    async run(context, options, address) {
      const { echo, peerOf, peerName } = await import('../../../pacs/index.js');
      checkTls('pacs echo', options, address);
      const peer = peerOf(address, options);
      await echo(peer, context.signal);
      const name = peerName(peer);
      context.print({ peer: name, answers: true }, () => `${name} answers.`);
    },
  });
