/** `graft federation create`: a coordinator's folder from study.yaml. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';

export const registerCreate = (group: Command): void =>
  defineCommand(group, {
    name: 'create',
    summary: 'Make a study: its keys, its authority, the base model, and what runs the broker',
    details:
      'Reads study.yaml, makes the base model as "graft federate" does for the recipe, and writes the coordinator’s folder: ' +
      'the signed study, keys that only you can read, the certificates of broker and coordinator, the broker’s ' +
      'configuration, a compose file and systemd units. The folder is there whole, or not at all.',
    arguments: { '<study>': 'a YAML file with name, recipe and broker.addresses' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        out: z.string().default('fed').describe('the coordinator’s folder, new or empty'),
        device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
      });
    },
    examples: [
      ['graft federation create study.yaml --out fed/', 'a coordinator’s folder'],
      ['graft federation create study.yaml --out fed/ --json', 'with the six words and the study as JSON'],
    ],
    async run(context, { out, device }, study) {
      const { createFederation } = await import('../../../federation/index.js');
      const { chooseDevice } = await import('../../../torch/index.js');
      const created = await context.follow(createFederation(study, out, { device: chooseDevice(device) }));
      context.print({ folder: out, ...created }, () =>
        [
          `${out}: the study ${created.study.name}, ${created.study.federation.rounds} rounds of ${created.study.plan}`,
          `six words of the coordinator, to be read out by telephone: ${context.bold(created.words)}`,
          `broker: ${created.study.broker.join(', ')}; run it in ${join(out, 'broker')} with "nats-server -c nats.conf"`,
          'Admit each site with "graft federation admit". Keep the folder to yourself: it holds the study’s keys.',
        ].join('\n'),
      );
    },
  });
