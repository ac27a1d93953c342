/** `graft federation pause` and `resume`: whether further rounds are begun. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';

export const registerPause = (group: Command): void =>
  defineCommand(group, {
    name: 'pause',
    summary: 'Begin no further round; the one under way is finished',
    details: 'Holds until "graft federation resume", also for a coordinator that is started later.',
    arguments: { '<folder>': 'the coordinator’s folder' },
    examples: [['graft federation pause fed/', 'for the time of a maintenance, say']],
    async run(context, _, folder) {
      const { pauseFederation } = await import('../../../federation/index.js');
      pauseFederation(folder, true);
      context.print(
        { folder, paused: true },
        () => `No further round is begun; go on with graft federation resume ${folder}`,
      );
    },
  });

export const registerResume = (group: Command): void =>
  defineCommand(group, {
    name: 'resume',
    summary: 'Begin rounds again after a pause',
    arguments: { '<folder>': 'the coordinator’s folder' },
    examples: [['graft federation resume fed/', 'go on']],
    async run(context, _, folder) {
      const { pauseFederation } = await import('../../../federation/index.js');
      pauseFederation(folder, false);
      context.print({ folder, paused: false }, () => 'Rounds are begun again.');
    },
  });
