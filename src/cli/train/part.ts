/** `graft train` of a part of a network by a plan, on cases that lie in one place. */
import { existsSync, rmSync } from 'node:fs';
import type { Case, Volume } from '../../data/index.js';
import type { PartSettings } from '../../studies/index.js';
import { cliError } from '../errors.js';
import { bytes, count } from '../format.js';
import { beginRecord, judge, leave } from '../leave.js';
import type { Context } from '../run-command.js';
import { divide, scoredOf, type Trained, type TrainOptions } from './options.js';

/** With the file of the frozen network. */
type PartOptions = TrainOptions & { base: string };

export async function trainPart(context: Context, settings: PartSettings, options: PartOptions): Promise<Trained> {
  const { out, resume, sites, seed, cache, base } = options;
  const { describeFoundation, loadSite, progressOf, tuneModel } = await import('../../jobs/index.js');
  const { loadAdapter, saveAdapter, segmentVolumeWithPauses } = await import('../../segmenter/index.js');
  const checkpoint = `${out}.ckpt`;
  if (!resume && existsSync(checkpoint)) throw cliError('CHECKPOINT_EXISTS', { file: out });
  const { plan, adapter, training, epochs, keep, patience } = settings;
  const split = await divide(options, settings.split, settings.groupBy);
  const start = options.init === undefined ? undefined : loadAdapter(options.init);
  const { model, foundation } = await openBase(settings, options);
  const site = await context.follow(loadSite({ name: sites.join(', '), ...split }, model, cache));
  const job = {
    ...{ task: `${plan} on ${site.name}`, name: site.name, model, sites: [site] },
    ...{ settings: { plan, adapter, training }, epochs, keep, patience, seed, checkpoint, start },
  };
  const { preprocessing, windows, classes } = model;
  await using begun = await beginRecord(context, out, options, {
    ...{ title: `Training of ${model.family.title}: ${plan}`, description: `On ${site.name}`, seed },
    ...{ models: { local: 'Model' }, classes, toleranceMm: settings.toleranceMm, groupBy: settings.groupBy },
    settings: { ...settings, preprocessing, windows },
  });
  const { record } = begun;
  const { adapter: tuned, trained, kept, dice } = await context.follow(progressOf(tuneModel(job), record.log));
  model.use(tuned);
  const segment = (image: Volume, one: Case) => segmentVolumeWithPauses(model, image, { case: one });
  const left = { record, models: [{ of: 'local' as const, segment }], scored: scoredOf(split) };
  const judgement = await judge(context, left);
  model.use(undefined);
  // The foundation's place says nothing where the adapter goes; the base's fingerprint stands for it.
  const { checkpoint: _, ...ofModel } = settings.model;
  tuned.provenance.settings = JSON.stringify({ ...settings, preprocessing, windows, model: ofModel });
  saveAdapter(out, tuned);
  const { fingerprint } = model;
  const page = await leave(context, left, judgement, {
    outputs: [out],
    more: [`Epoch ${kept} was kept; ${count(trained)} parameters were trained.`],
    inputs: [base, ...(options.init === undefined ? [] : [options.init])],
  });
  rmSync(checkpoint, { force: true });
  return {
    result: {
      ...{ adapter: out, base, fingerprint, foundation },
      trainedParameters: trained,
      kept,
      dice,
      settings,
      ...page.result,
    },
    lines: [
      `adapter: ${out} (${count(trained)} trained parameters, ${bytes(4 * trained)}; epoch ${kept})`,
      `base: ${base}`,
      ...(foundation ? [`tensors of the foundation: ${describeFoundation(foundation)}`] : []),
      `base fingerprint: ${fingerprint}`,
      ...page.lines,
    ],
    split,
  };
}

/** The settings that an adapter to start from brings with it. @throws GraftError as `loadAdapter` */
export async function settingsOfAdapter(file: string | undefined): Promise<Record<string, unknown>> {
  if (file === undefined) return {};
  const { loadAdapter } = await import('../../segmenter/index.js');
  const { classes, method: plan, options: adapter, preprocessing, windows, state } = loadAdapter(file);
  const { disposeState } = await import('../../nn/index.js');
  disposeState(state);
  return { classes, plan, adapter, preprocessing, windows };
}

/** The frozen network: the one in the file, or a new one from the foundation, which is written there. */
async function openBase(
  { model: { architecture, checkpoint: foundation, ...ofModel }, classes, preprocessing, windows }: PartSettings,
  { base, seed, device, named }: PartOptions,
) {
  const { loadFoundation, loadSegmenter, Segmenter, saveSegmenter } = await import('../../segmenter/index.js');
  const { familyOfSize } = await import('../../networks/index.js');
  const invalid = (problems: string) => cliError('OPTION_INVALID', { problems, command: 'train' });
  if (existsSync(base)) {
    if ('model.checkpoint' in named)
      throw invalid(`--foundation is for a new base, but ${base} is there; name another file with --base`);
    const model = loadSegmenter(base, { device });
    if (model.classes.join() !== classes.join())
      throw invalid(`--classes: ${base} has the classes ${model.classes.join(', ') || 'of no head'}`);
    const own: Record<string, unknown> = { preprocessing: model.preprocessing, windows: model.windows };
    const asked: Record<string, unknown> = { preprocessing, windows };
    for (const key of Object.keys(named).filter((one) => one.split('.')[0] in own)) {
      const [has, wants] = [own, asked].map((of) => JSON.stringify(valueAt(of, key)));
      if (has !== wants)
        throw invalid(`${key}: ${base} was made with ${has}, not ${wants}; name another file with --base`);
    }
    return { model, foundation: undefined };
  }
  if (!foundation) throw invalid(`--foundation is required, since ${base} is not there (graft pretrain makes one)`);
  const family = familyOfSize(architecture);
  const config = family.configure(architecture, classes.length, ofModel);
  const model = new Segmenter({ family, config, classes, preparation: { preprocessing, windows }, heads: [], device });
  model.initialise(seed);
  const report = loadFoundation(model, foundation);
  saveSegmenter(base, model, { foundation, seed: String(seed) });
  return { model, foundation: report };
}

const valueAt = (of: unknown, key: string): unknown =>
  key.split('.').reduce((one, part) => (one as Record<string, unknown> | undefined)?.[part], of);
