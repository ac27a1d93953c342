/** `graft train` of a whole network and its early heads. */
import type { Case, Volume } from '../../data/index.js';
import type { SourceSettings } from '../../studies/index.js';
import { cliError } from '../errors.js';
import { beginRecord, judge, leave } from '../leave.js';
import type { Context } from '../run-command.js';
import { divide, scoredOf, type Trained, type TrainOptions } from './options.js';

/** The settings that a model to start from brings with it. @throws GraftError as `loadSegmenter` */
export async function settingsOfModel(file: string | undefined): Promise<Record<string, unknown>> {
  if (file === undefined) return {};
  const { init } = await opened(file, 'cpu');
  const { classes, preprocessing, preparation, family, config } = init!;
  const { postprocessing } = preparation;
  init!.dispose();
  const own = Object.keys(family.settings.shape);
  const architecture = Object.entries(config as object).filter(([key]) => own.includes(key));
  return {
    ...{ classes, preprocessing, architecture: Object.fromEntries(architecture) },
    ...(postprocessing && { postprocessing }),
  };
}

async function opened(file: string | undefined, device: string) {
  const { loadSegmenter } = await import('../../segmenter/index.js');
  return { init: file === undefined ? undefined : loadSegmenter(file, { device }) };
}

export async function trainSource(context: Context, settings: SourceSettings, options: TrainOptions): Promise<Trained> {
  const { out, resume, sites, seed, device, cache } = options;
  const { init } = await opened(options.init, device);
  const { hasCheckpoints, progressOf, removeCheckpoints, trainModel } = await import('../../jobs/index.js');
  const { familyOfSize } = await import('../../networks/index.js');
  const { saveSegmenter, segmentVolumeWithPauses } = await import('../../segmenter/index.js');
  if (!resume && hasCheckpoints(out)) throw cliError('CHECKPOINT_EXISTS', { file: out });
  const { classes, preprocessing, postprocessing, training, toleranceMm } = settings;
  const split = await divide(options, settings.split.source, settings.sourceGroupBy);
  const source = sites.join(', ');
  const job = {
    task: `train on ${source}`,
    ...{
      train: split.train,
      validation: split.validation,
      classes,
      preprocessing,
      postprocessing,
      training,
      toleranceMm,
      seed,
      device,
    },
    ...{ network: settings.network, architecture: settings.architecture },
    ...{ checkpoint: out, cache },
  };
  const title = `Training of a ${familyOfSize(settings.network).title}`;
  await using begun = await beginRecord(context, out, options, {
    ...{ title, description: `On ${source}`, settings, seed },
    ...{ models: { source: 'Model' }, classes, toleranceMm, groupBy: settings.sourceGroupBy },
  });
  const { record } = begun;
  const model = await context.follow(progressOf(trainModel({ ...job, init }), record.log));
  const segment = (image: Volume, one: Case) => segmentVolumeWithPauses(model, image, { case: one });
  const left = { record, models: [{ of: 'source' as const, segment }], scored: scoredOf(split) };
  const judgement = await judge(context, left);
  const startedFrom = init && { startedFrom: init.fingerprint };
  saveSegmenter(out, model, { seed: String(seed), source, settings: JSON.stringify(settings), ...startedFrom });
  const { fingerprint, reference } = model;
  const page = await leave(context, left, judgement, {
    more: [`${split.train.length} cases trained, ${split.validation.length} chose the epoch.`],
    outputs: [out],
    inputs: options.init === undefined ? [] : [options.init],
  });
  removeCheckpoints(out);
  return {
    result: { model: out, fingerprint, reference, settings, ...page.result },
    lines: [
      `model: ${out}`,
      `base fingerprint: ${fingerprint}`,
      ...(model.profile?.volumeMl?.high === 0
        ? ['warning: it segments nothing, not even on the cases it learned from: train longer, or check the labels']
        : []),
      ...page.lines,
    ],
    split,
  };
}
