/** `graft federation extend`: more rounds than the study was begun with. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';

export const registerExtend = (group: Command): void =>
  defineCommand(group, {
    name: 'extend',
    summary: 'Have more rounds than the study says',
    details:
      'A coordinator that runs goes on for longer; one that has finished goes on when it and the sites are started again, in ' +
      'either order. A ' +
      'site whose policy.yaml allows fewer rounds does not take part in those beyond.',
    arguments: { '<folder>': 'the coordinator’s folder' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({ rounds: z.int().min(1).describe('number of all rounds, those that are done included') });
    },
    examples: [['graft federation extend fed/ --rounds 50', 'until there are 50']],
    async run(context, { rounds }, folder) {
      const { extendFederation } = await import('../../../federation/index.js');
      extendFederation(folder, rounds);
      context.print({ folder, rounds }, () =>
        [
          `The study has ${rounds} rounds now.`,
          'Where the rounds were over, start the coordinator and the sites again.',
        ].join('\n'),
      );
    },
  });
