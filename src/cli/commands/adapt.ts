/** `graft adapt`: a small adapter for one site, without labels. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import { formatTable } from '../table.js';

export const registerAdapt = (program: Command): void =>
  defineCommand(program, {
    name: 'adapt',
    summary: 'Adapt a model to a site without labels',
    details:
      'Learns an adapter from the images of one site; labels are not even read. The base model stays as it is. The guard ' +
      'compares the adapted outputs with those on the source domain and keeps a safer model where they leave its range.',
    arguments: {
      '<model>': 'a file that "graft train" or a run wrote',
      '<data>': 'data set, ROOT/SITE/images/CASE.nii.gz',
    },
    options: adaptOptions,
    examples: [
      ['graft adapt brain.safetensors data/brain --site lju-t2 --out lju-t2.safetensors', 'ConvLoRA + AdaBN'],
      ['graft adapt brain.safetensors data/brain --site lju-t2 --method adabn', 'statistics only, seconds'],
      ['graft adapt brain.safetensors data/brain --site lju-t2 --rank 4 --blocks init_path,down1', 'another placement'],
    ],
    async run(
      context,
      { site, out = `${site}.safetensors`, resume, seed, tolerance, device, cache, ...rest },
      modelFile,
      data,
    ) {
      const { adaptModel, hasCheckpoints, progressOf, removeCheckpoints } = await import('../../runs/index.js');
      const { adaptationSchema, adapterBytes, loadModel, saveAdapter } = await import('../../adapt/index.js');
      const { readDataset, siteOf } = await import('../../data/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      // Also with --resume: what is finished is not computed again.
      if (existsSync(out)) throw cliError('OUTPUT_EXISTS', { file: out });
      const model = loadModel(modelFile, { device: chooseDevice(device) });
      const config = adaptationSchema.parse(rest);
      const { cases } = siteOf(readDataset(data), site);
      const job = {
        task: `${config.method} on ${site}`,
        model,
        cases,
        config,
        target: site,
        seed,
        toleranceMm: tolerance,
        cache,
      };
      if (!resume && hasCheckpoints(out)) throw cliError('CHECKPOINT_EXISTS', { file: out });
      const { adapter, trained, kept, guard, looks } = await context.follow(
        progressOf(adaptModel({ ...job, checkpoint: out })),
      );
      saveAdapter(out, adapter);
      removeCheckpoints(out);
      const bytes = adapterBytes(adapter);
      context.print({ adapter: out, trainedParameters: trained, bytes, kept: kept.candidate, guard, looks }, () => {
        const rows = looks.map((look) => [
          typeof look.candidate === 'number' ? `epoch ${look.candidate}` : look.candidate,
          ...[look.agreement, look.agreementWithSource, look.volumeMl, look.entropy],
          look.departures.map(({ measure }) => measure).join(', ') || 'in range',
          look === kept ? 'kept' : '',
        ]);
        const header = ['candidate', 'agreement', 'with source', 'volume ml', 'entropy', 'guard', ''];
        return [
          formatTable(header, rows, { width: context.width }),
          '',
          ...(guard ? [`guard: ${guard}`] : []),
          `adapter: ${out} (${trained.toLocaleString('en')} trained parameters, ${(bytes / 1000).toFixed(0)} kB)`,
        ].join('\n');
      });
    },
  });

async function adaptOptions() {
  const [{ z }, { adaptationSchema }] = await Promise.all([import('zod'), import('../../adapt/index.js')]);
  return adaptationSchema.extend({
    site: z.string().describe('the site to adapt to'),
    out: z.string().optional().describe('the adapter’s file; default: the site’s name with .safetensors'),
    resume: z.boolean().default(false).describe('go on from the checkpoint beside --out'),
    seed: z.int().min(0).default(1),
    tolerance: z.number().positive().default(2).describe('of the surface Dice that measures agreement, in mm'),
    device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
    cache: z
      .string()
      .optional()
      .describe('folder that keeps prepared slices, for sets larger than memory; default: none'),
  });
}
