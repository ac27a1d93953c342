/** `graft site request`: a site's keys, which stay, and what the coordinator gets to know of them. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';
import { outputFile } from '../../output.js';

export const registerRequest = (group: Command): void =>
  defineCommand(group, {
    name: 'request',
    summary: 'Make the site’s keys, and ask a coordinator to admit it',
    details:
      'Makes keys in the site’s folder, which never leave it, a policy.yaml with comments, and the request: the site’s name ' +
      'and its public keys. Send the request to the coordinator, and read out the six words when its administrator calls. ' +
      'Given again, the same keys make the same words.',
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        name: z.string().describe('of the site: small letters, digits and dashes'),
        out: outputFile(z, 'request').optional().describe('the request’s file; default: NAME.request'),
        folder: z.string().optional().describe('the site’s folder; default: NAME'),
      });
    },
    examples: [
      ['graft site request --name site-a --out site-a.request', 'keys in site-a/, and a request to be sent'],
      ['graft site request --name site-a --folder /var/lib/graft/site-a', 'keys in another folder'],
    ],
    async run(context, { name, out = `${name}.request`, folder = name }) {
      const { requestAdmission } = await import('../../../federation/index.js');
      const words = await requestAdmission(name, { folder, out });
      context.print({ site: name, request: out, folder, words }, () =>
        [
          `Send ${out} to the coordinator. Keys are in ${folder}/keys, and stay there.`,
          `six words of ${name}, to be read out by telephone: ${context.bold(words)}`,
          `Read ${folder}/policy.yaml: it says what this hospital takes part in.`,
        ].join('\n'),
      );
    },
  });
