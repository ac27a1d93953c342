/** `graft site run`: a hospital's site takes part. */
import type { Command } from 'commander';
import { shownText, told } from '../../../core/index.js';
import { defineCommand } from '../../command.js';
import { endsWell } from '../../ending.js';
import { metricsPortOption } from '../../metrics-port.js';
import { pageOption, withPage } from '../../page.js';

export const registerRun = (group: Command): void =>
  defineCommand(group, {
    name: 'run',
    summary: 'Take part in a study until its rounds are over',
    details:
      'Checks the kit, the keys and the policy, shows what the study asks for, joins, and trains when it is asked to. Only ' +
      'outgoing connections are made. Images, labels, names of cases and paths stay here; what leaves is listed by ' +
      '--dry-run. Stopped or killed at any moment, the same command goes on. In the end the site’s folder holds ' +
      'adapter.safetensors, for "graft predict" and "graft evaluate" with the base model beside it.',
    arguments: { '<kit>': 'file that the coordinator sent' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        data: z.string().describe('folder with images and labels, or a data set whose sites are all this hospital’s'),
        folder: z.string().optional().describe('the site’s folder; default: its name'),
        device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
        proxy: z
          .string()
          .optional()
          .describe('http://host:port, where only a proxy leads out; the study must have a wss:// address'),
        page: pageOption(z, 'the site'),
        metricsPort: metricsPortOption(z),
        dryRun: z
          .boolean()
          .default(false)
          .describe('check everything, say what would be done and what would leave, and end'),
      });
    },
    examples: [
      ['graft site run site-a.kit --data /data/prostate --dry-run', 'what would be done, and what would leave'],
      ['graft site run site-a.kit --data /data/prostate', 'take part'],
      ['graft site run site-a.kit --data /data/prostate --page', 'take part, with its rounds and images in a browser'],
    ],
    async run(context, { data, folder: given, device, proxy, page, metricsPort, dryRun }, kit) {
      const federation = await import('../../../federation/index.js');
      const { chooseDevice } = await import('../../../torch/index.js');
      const { signal } = context;
      const folder = given ?? federation.readKit(kit).site.name;
      const site = federation.prepareSite(kit, folder, data);
      const asked = askedOf(site);
      if (dryRun) {
        context.print(asked, () => describe(asked).join('\n'));
        return;
      }
      const events = () =>
        told(async (tell) => {
          for (const text of describe(asked)) tell({ kind: 'note', text });
          return federation.runSite(site, { device: chooseDevice(device), proxy, metricsPort, signal, tell });
        });
      const adapter = await endsWell(context, () => context.follow(page ? withPage(events(), folder) : events()));
      const base = `${folder}/model.safetensors`;
      context.print({ site: site.name, finished: adapter !== undefined, adapter, base }, () =>
        adapter === undefined
          ? `Stopped; graft site run ${kit} --data ${data} goes on where it was.`
          : `The rounds are over. ${adapter} is the adapter of ${site.name}, for ${base}.`,
      );
    },
  });

type Prepared = import('../../../federation/index.js').PreparedSite;

/** What the study asks of the site, for people and for --json. */
function askedOf({ name, folder, study, policy, coordinator, cases }: Prepared) {
  const { plan, federation, privacy, base, broker } = study;
  return {
    ...{ site: name, study: study.name, title: study.title, coordinator: coordinator.words, broker, plan },
    ...{ rounds: federation.rounds, deadlineSeconds: federation.deadline, aggregation: federation.aggregation },
    cases: { training: cases.train.length, keptFromTraining: cases.kept.length },
    receives: { baseModelBytes: base.bytes, states: 'the global state of every round' },
    leaves: {
      once: ['its name and public key', 'the numbers of training cases and of slices'],
      everyRound: ['the update: the trained values of the plan, encrypted for the coordinator', ...privacy.metrics],
      everySeconds: ['that it lives, whether it trains, and how many bytes have moved'],
    },
    stays: [
      'images',
      'labels',
      'names of cases and paths',
      'scores of the cases that are kept from training',
      'statistics of batch normalisation, where the plan keeps them',
    ],
    ...{ threads: policy.rules.threads, hours: policy.rules.hours, policy: policy.file, folder },
  };
}

const describe = (asked: ReturnType<typeof askedOf>): string[] =>
  [
    `${asked.study}: ${asked.title}`,
    `asks for    ${asked.rounds} rounds of ${asked.plan} (${asked.aggregation}), one epoch a round`,
    `coordinator ${asked.coordinator}; broker ${asked.broker.join(', ')}`,
    `data        ${asked.cases.training} training cases; ${asked.cases.keptFromTraining} are kept from training`,
    `comes       the base model, ${(asked.receives.baseModelBytes / 1e6).toFixed(1)} MB, and ${asked.receives.states}`,
    `leaves      ${asked.leaves.once.join(', ')}`,
    `            every round: ${asked.leaves.everyRound.join(', ')}`,
    `            all the time: ${asked.leaves.everySeconds.join(', ')}`,
    `stays       ${asked.stays.join(', ')}`,
    `rules       ${asked.policy}: ${asked.threads} threads, ${asked.hours ? `from ${asked.hours.from} to ${asked.hours.to}` : 'at any time'}`,
  ].map(shownText);
