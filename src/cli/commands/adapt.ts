/** `graft adapt`: a small adapter for one site, without labels. */

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import type { Pausing } from '../../core/index.js';
import type { Case, Volume } from '../../data/index.js';
import { meanOf } from '../../metrics/index.js';
import type { Adapter } from '../../segmenter/index.js';
import { auditOption, startAudit } from '../audit.js';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import { beginRecord, judge, leave } from '../leave.js';
import { pageOption } from '../page.js';
import { givenSettings, settingsOptions } from '../settings.js';
import { formatTable } from '../table.js';

export const registerAdapt = (program: Command): void =>
  defineCommand(program, {
    name: 'adapt',
    summary: 'Adapt a model to a site without labels',
    details:
      'Learns an adapter from the images of one site; labels are not even read. The base model stays as it is. The guard ' +
      'compares the adapted outputs with those on the source domain and keeps a safer model where they leave its range. ' +
      'Beside NAME.safetensors lie the log NAME.metrics.jsonl and the page NAME.report.html.',
    arguments: {
      '<model>': 'a file that "graft train" or a run wrote',
      '<data>': 'data set, ROOT/SITE/images/CASE.nii.gz',
    },
    options: adaptOptions,
    examples: [
      ['graft adapt brain.safetensors data/brain --site lju-t2 --out lju-t2.safetensors', 'ConvLoRA + AdaBN'],
      ['graft adapt brain.safetensors data/brain --site lju-t2 --method adabn', 'statistics only, seconds'],
      ['graft adapt brain.safetensors data/brain --site lju-t2 --score 0.5', 'score on cases that were not adapted to'],
      ['graft adapt brain.safetensors data/brain --site lju-t2 --rank 4 --blocks init_path,down1', 'another placement'],
      ['graft adapt brain.safetensors data/brain --site lju-t2 --page', 'with its candidates in a browser'],
      [
        'graft adapt brain.safetensors data/brain --site lju-t2 --start lju-t2.safetensors --out more.safetensors',
        'more epochs for a finished adapter',
      ],
      [
        'graft adapt brain.safetensors data/brain --site lju-t2 --recipe brain-scanners --method noisy-student',
        'as the recipe adapts',
      ],
    ],
    async run(
      context,
      {
        site,
        out = `${site}.safetensors`,
        recipe,
        method,
        resume,
        start,
        device,
        cache,
        tensorboard,
        page,
        score,
        groupBy,
        audit,
        ...options
      },
      modelFile,
      data,
    ) {
      const { adaptModel, freeSlices, hasCheckpoints, progressOf, readSlices, removeCheckpoints } = await import(
        '../../jobs/index.js'
      );
      const { adaptationOf, adaptSettingsSchema, findDataset, findRecipe, readSettings } = await import(
        '../../studies/index.js'
      );
      const { adapterBytes, loadAdapter, loadSegmenter, saveAdapter, segmentVolumeWithPauses } = await import(
        '../../segmenter/index.js'
      );
      const { siteOf, splitCases } = await import('../../data/index.js');
      const { methodLabel, settled } = await import('../../adapt/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      const begun = start === undefined ? undefined : loadAdapter(start);
      const from = recipe === undefined ? undefined : adaptationOf(findRecipe(recipe), method ?? begun?.method);
      const keys = Object.keys(adaptSettingsSchema.shape).map((key) => [
        key === 'toleranceMm' ? 'tolerance' : key,
        key,
      ]);
      const overruled = await givenSettings(Object.fromEntries(keys), context.given, 'adapt');
      const given = readSettings(
        adaptSettingsSchema,
        { ...settingsOf(begun), ...from?.settings },
        overruled,
        'graft adapt',
      );
      const seed = options.seed ?? from?.seed ?? 1;
      // Also with --resume: what is finished is not computed again.
      if (existsSync(out)) throw cliError('OUTPUT_EXISTS', { file: out });
      const model = loadSegmenter(modelFile, { device: chooseDevice(device) });
      const settings = settled(model.family, given);
      const { toleranceMm, ...config } = settings;
      const all = siteOf(findDataset({ data: { ...from?.data, root: data } }, data)!, site).cases;
      const parts = {
        parts: { adapt: 1 - (score ?? 0), score: score ?? 0 },
        seed,
        ...(groupBy !== undefined && { groupBy }),
      };
      const { adapt: cases, score: kept } = score === undefined ? { adapt: all, score: [] } : splitCases(all, parts);
      const bare = kept.find(({ label }) => !label);
      if (bare)
        throw cliError('OPTION_INVALID', {
          problems: `--score needs labels, and ${bare.name} has none`,
          command: 'adapt',
        });
      if (!resume && hasCheckpoints(out)) throw cliError('CHECKPOINT_EXISTS', { file: out });
      await using begunRecord = await beginRecord(
        context,
        out,
        { resume, tensorboard, page },
        {
          ...{ title: `Adaptation without labels: ${methodLabel(config.method)}`, description: `To ${site}` },
          ...{ models: { source: 'Source model', adapted: 'Adapted model' }, classes: model.classes },
          ...{ toleranceMm, groupBy, settings, seed },
        },
      );
      const { record } = begunRecord;
      const task = `${config.method} on ${site}`;
      const slices = await context.follow(readSlices(task, cases, model, { labels: false, cache }));
      const job = { task, model, slices, config, target: site, seed, toleranceMm, checkpoint: out, start: begun };
      const work = progressOf(adaptModel(job), (one) => record.log({ target: site, method: config.method, ...one }));
      const { adapter, trained, kept: chosen, guard, looks } = await context.follow(work);
      record.log({ kind: 'kept', target: site, method: config.method, candidate: chosen.candidate, guard });
      freeSlices(slices);
      const segmentBy = (one: Adapter | undefined) =>
        function* (image: Volume, shown: Case): Pausing<Uint8Array> {
          model.use(one);
          return yield* segmentVolumeWithPauses(model, image, { case: shown });
        };
      const left = {
        ...{ record, unlabelled: cases },
        models: [
          { of: 'source' as const, segment: segmentBy(undefined) },
          { of: 'adapted' as const, segment: segmentBy(adapter) },
        ],
        scored: { cases: kept, are: 'kept from the adaptation' },
      };
      const judgement = await judge(context, left);
      adapter.provenance.settings = JSON.stringify(settings);
      saveAdapter(out, adapter);
      const header = ['candidate', 'mirrored', 'heads', 'with source', 'volume ml', 'entropy', 'guard', ''];
      const rows = looks.map((look) => [
        typeof look.candidate === 'number' ? `epoch ${look.candidate}` : look.candidate,
        look.mirrored ? meanOf(look.mirrored) : '–',
        ...[look.agreement, look.agreementWithSource, look.volumeMl, look.entropy],
        look.departures.map(({ measure }) => measure).join(', ') || 'in range',
        look === chosen ? 'kept' : '',
      ]);
      const told = await leave(context, left, judgement, {
        more: [
          `${trained.toLocaleString('en')} parameters were trained on ${cases.length} cases, whose labels were not read.`,
          ...(guard ? [`Guard: ${guard}`] : []),
        ],
        inputs: [modelFile, ...(start === undefined ? [] : [start])],
        outputs: [out],
      });
      removeCheckpoints(out);
      const line = await startAudit(context, 'adapt', { folder: dirname(out), audit });
      line.uses('model', modelFile);
      if (start !== undefined) line.uses('start', start);
      for (const { name, image } of cases) line.reads(`${site}/${name}`, image);
      for (const { name, image, label } of kept)
        line.reads(`${site}/${name}`, image, ...(label === undefined ? [] : [label]));
      line.writes(out);
      if (guard) line.warns(guard);
      line.finish();
      const bytes = adapterBytes(adapter);
      context.print(
        {
          adapter: out,
          trainedParameters: trained,
          bytes,
          kept: chosen.candidate,
          guard,
          looks,
          settings,
          ...told.result,
        },
        () => {
          return [
            formatTable(header, rows, { width: context.width }),
            '',
            ...(guard ? [`guard: ${guard}`] : []),
            `adapter: ${out} (${trained.toLocaleString('en')} trained parameters, ${(bytes / 1000).toFixed(0)} kB)`,
            ...told.lines,
          ].join('\n');
        },
      );
    },
  });

/** The settings that an adapter to go on from brings with it: what it has tensors for. */
function settingsOf(adapter: Adapter | undefined): Record<string, unknown> {
  if (!adapter) return {};
  return { method: adapter.method, ...adapter.options };
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
    score: z
      .number()
      .positive()
      .max(0.9)
      .optional()
      .describe(
        'share of the cases that is kept from the adaptation and scored by its labels; default: none, no label is read',
      ),
    groupBy: z
      .string()
      .optional()
      .describe(
        'regular expression on the names of cases; its first capture is the patient, whom --score never splits',
      ),
    tensorboard: z.boolean().default(false).describe('write event files for TensorBoard beside --out'),
    page: pageOption(z, 'the adaptation'),
    seed: z.int().min(0).optional().describe('default: 1, or the recipe’s first'),
    tolerance: z.number().positive().default(2).describe('of the surface Dice that measures agreement, in mm'),
    device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
    cache: z
      .string()
      .optional()
      .describe('folder that keeps prepared slices, for sets larger than memory; default: none'),
    ...auditOption(z),
  });
}
