/** `graft coordinator run`: the rounds of a study. */
import type { Command } from 'commander';
import { told } from '../../../core/index.js';
import { defineCommand } from '../../command.js';
import { endsWell } from '../../ending.js';
import { metricsPortOption } from '../../metrics-port.js';
import { pageOption, withPage } from '../../page.js';

export const registerRun = (group: Command): void =>
  defineCommand(group, {
    name: 'run',
    summary: 'Run the rounds of a study until they are done',
    details:
      'Asks the admitted sites for updates, takes those that come, and makes the next global state of them, round after ' +
      'round. Every decision is in the folder before it is acted on: stopped or killed at any moment, the same command ' +
      'goes on. "graft federation" pauses, extends, admits and revokes while it runs. In the end the folder holds ' +
      'result/global.safetensors, result/adapter.safetensors and result/report.html.',
    arguments: { '<folder>': 'the coordinator’s folder' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        withBroker: z
          .boolean()
          .default(false)
          .describe('start the installed nats-server, too, and start it again when it ends'),
        page: pageOption(z, 'the study'),
        metricsPort: metricsPortOption(z),
      });
    },
    examples: [
      ['graft coordinator run fed/', 'with a broker that runs elsewhere'],
      ['graft coordinator run fed/ --with-broker', 'all that the study needs, on this machine'],
      ['graft coordinator run fed/ --page', 'with its sites and rounds in a browser'],
    ],
    async run(context, { page, ...options }, folder) {
      const { runCoordinator } = await import('../../../federation/index.js');
      const { signal } = context;
      const events = () => told((tell) => runCoordinator(folder, { ...options, signal, tell }));
      const result = await endsWell(context, () => context.follow(page ? withPage(events(), folder) : events()));
      context.print({ folder, finished: result !== undefined, ...result }, () =>
        result
          ? [
              `${folder}: ${result.rounds} rounds are done; global state ${result.fingerprint}`,
              ...[result.adapter, result.report],
            ].join('\n')
          : `Stopped; graft coordinator run ${folder} goes on where it was.`,
      );
    },
  });
