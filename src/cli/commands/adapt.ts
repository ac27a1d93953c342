/** `graft adapt`: a small adapter for one site, without labels. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Adapter } from '../../adapt/index.js';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import { givenSettings, settingsOptions } from '../settings.js';
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
      [
        'graft adapt brain.safetensors data/brain --site lju-t2 --start lju-t2.safetensors --out more.safetensors',
        'more epochs for a finished adapter',
      ],
      [
        'graft adapt brain.safetensors data/brain --site lju-t2 --recipe brain-scanners --set epochs=10',
        'as the recipe adapts, but longer',
      ],
    ],
    async run(
      context,
      { site, out = `${site}.safetensors`, recipe, method, resume, start, device, cache, ...options },
      modelFile,
      data,
    ) {
      const { adaptationOf, adaptModel, adaptSettingsSchema, findDataset, findRecipe, hasCheckpoints } = await import(
        '../../runs/index.js'
      );
      const { progressOf, readSettings, removeCheckpoints } = await import('../../runs/index.js');
      const { adapterBytes, loadAdapter, loadModel, saveAdapter } = await import('../../adapt/index.js');
      const { siteOf } = await import('../../data/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      const from = recipe === undefined ? undefined : adaptationOf(findRecipe(recipe), method);
      const begun = start === undefined ? undefined : loadAdapter(start);
      const keys = Object.keys(adaptSettingsSchema.shape).map((key) => [
        key === 'toleranceMm' ? 'tolerance' : key,
        key,
      ]);
      const overruled = await givenSettings(Object.fromEntries(keys), context.given, 'adapt');
      const settings = readSettings(
        adaptSettingsSchema,
        { ...settingsOf(begun), ...from?.settings },
        overruled,
        'graft adapt',
      );
      const { toleranceMm, ...config } = settings;
      const seed = options.seed ?? from?.seed ?? 1;
      // Also with --resume: what is finished is not computed again.
      if (existsSync(out)) throw cliError('OUTPUT_EXISTS', { file: out });
      const model = loadModel(modelFile, { device: chooseDevice(device) });
      const { cases } = siteOf(findDataset({ data: { ...from?.data, root: data } }, data)!, site);
      const job = {
        task: `${config.method} on ${site}`,
        model,
        cases,
        config,
        target: site,
        seed,
        toleranceMm,
        cache,
        start: begun,
      };
      if (!resume && hasCheckpoints(out)) throw cliError('CHECKPOINT_EXISTS', { file: out });
      const { adapter, trained, kept, guard, looks } = await context.follow(
        progressOf(adaptModel({ ...job, checkpoint: out })),
      );
      adapter.provenance.settings = JSON.stringify(settings);
      saveAdapter(out, adapter);
      removeCheckpoints(out);
      const bytes = adapterBytes(adapter);
      context.print(
        { adapter: out, trainedParameters: trained, bytes, kept: kept.candidate, guard, looks, settings },
        () => {
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
        },
      );
    },
  });

/** The settings that an adapter to go on from brings with it: what it has tensors for. */
function settingsOf(adapter: Adapter | undefined): Record<string, unknown> {
  if (!adapter) return {};
  return { method: adapter.method, ...adapter.lora };
}

async function adaptOptions() {
  const [{ z }, { adaptationSchema }] = await Promise.all([import('zod'), import('../../adapt/index.js')]);
  return adaptationSchema.extend({
    site: z.string().describe('the site to adapt to'),
    out: z.string().optional().describe('the adapter’s file; default: the site’s name with .safetensors'),
    resume: z.boolean().default(false).describe('go on from the checkpoint beside --out'),
    start: z
      .string()
      .optional()
      .describe('adapter of the same model to go on from; method, blocks and rank are as they were for it'),
    ...settingsOptions(z),
    seed: z.int().min(0).optional().describe('default: 1, or the recipe’s first'),
    tolerance: z.number().positive().default(2).describe('of the surface Dice that measures agreement, in mm'),
    device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
    cache: z
      .string()
      .optional()
      .describe('folder that keeps prepared slices, for sets larger than memory; default: none'),
  });
}
