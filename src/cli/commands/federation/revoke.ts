/** `graft federation revoke`: a site takes part no more. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';

export const registerRevoke = (group: Command): void =>
  defineCommand(group, {
    name: 'revoke',
    summary: 'Revoke a site: from the round under way on nothing is taken from it',
    details:
      'Takes the site from the list of members and from the broker’s configuration, for good: neither its name nor its keys ' +
      'can be admitted again. What it contributed to earlier rounds stays in the model.',
    arguments: { '<folder>': 'the coordinator’s folder', '<site>': 'the site’s name' },
    examples: [['graft federation revoke fed/ site-b', 'nothing more from site-b']],
    async run(context, _, folder, site) {
      const { openCoordinatorFolder, revokeSite } = await import('../../../federation/index.js');
      revokeSite(folder, site);
      const members = openCoordinatorFolder(folder)
        .members()
        .map(({ name }) => name);
      context.print({ revoked: site, members }, () =>
        [
          `${site} is revoked; members: ${members.join(', ') || 'none'}`,
          'A broker that runs must read its configuration again: systemctl reload graft-broker',
        ].join('\n'),
      );
    },
  });
