/** `graft train --model sam-…`: a plan's part of Segment Anything, on cases that lie in one place. */
import { existsSync, rmSync } from 'node:fs';
import type { Preprocessing, Split } from '../../data/index.js';
import type { FineTuning } from '../../finetune/index.js';
import type { SamArchitecture } from '../../models/index.js';
import type { AdapterConfig, PlanName } from '../../peft/index.js';
import { cliError } from '../errors.js';
import { bytes, count } from '../format.js';
import type { Context } from '../run-command.js';
import type { TrainOptions } from './options.js';

export interface SamOptions extends TrainOptions {
  model: SamArchitecture;
  imageSize: number;
  foundation: string | undefined;
  base: string;
  plan: PlanName;
  adapter: AdapterConfig;
  keep: FineTuning['keep'];
  patience: number | null;
  slices: number;
}

export async function trainSam(
  context: Context,
  { train, validation }: Split<'train' | 'validation'>,
  preprocessing: Preprocessing,
  options: SamOptions,
) {
  const { out, resume, sites, augment, seed, cache, plan, keep, patience } = options;
  const { describeFoundation, loadSite, progressOf, tune } = await import('../../runs/index.js');
  const { fineTuningSchema, localTrainingSchema, saveSamAdapter } = await import('../../finetune/index.js');
  const { adapterSchema } = await import('../../peft/index.js');
  const checkpoint = `${out}.ckpt`;
  if (!resume && existsSync(checkpoint)) throw cliError('CHECKPOINT_EXISTS', { file: out });
  const { epochs, ...rest } = options.training;
  const training = localTrainingSchema.parse({ ...rest, ...(augment ? {} : { augmentation: null }) });
  const adapter = adapterSchema.parse(options.adapter);
  const { model, foundation } = await openBase(preprocessing, options);
  const split = { name: sites.join(', '), train, validation, test: [] };
  const site = await context.follow(loadSite(split, model, cache));
  const job = {
    ...{ task: `${plan} on ${site.name}`, name: site.name, model, sites: [site] },
    ...{ variant: { plan, adapter, training }, keep, patience, seed, checkpoint },
    epochs: fineTuningSchema.shape.epochs.parse(epochs),
  };
  const { adapter: tuned, trained, kept, dice } = await context.follow(progressOf(tune(job)));
  saveSamAdapter(out, tuned);
  rmSync(checkpoint, { force: true });
  const { base } = options;
  const { fingerprint } = model;
  return {
    result: { ...{ adapter: out, base, fingerprint, foundation }, trainedParameters: trained, kept, dice },
    lines: [
      `adapter: ${out} (${count(trained)} trained parameters, ${bytes(4 * trained)}; epoch ${kept})`,
      `base: ${base}`,
      ...(foundation ? [`of the foundation: ${describeFoundation(foundation)} tensors`] : []),
      `base fingerprint: ${fingerprint}`,
    ],
  };
}

/** The frozen network: the one in the file, or a new one from the foundation, which is written there. */
async function openBase(
  preprocessing: Preprocessing,
  { base, foundation, model: architecture, imageSize, classes, slices, seed, device }: SamOptions,
) {
  const { loadSam, SamSegmenter } = await import('../../finetune/index.js');
  const { samConfig } = await import('../../models/index.js');
  const { windowSchema } = await import('../../data/index.js');
  const invalid = (problems: string) => cliError('OPTION_INVALID', { problems, command: 'train' });
  if (existsSync(base)) {
    if (foundation)
      throw invalid(`--foundation is for a new base, but ${base} is there; name another file with --base`);
    const model = loadSam(base, { device });
    if (model.classes.join() !== classes.join())
      throw invalid(`--classes: ${base} has the classes ${model.classes.join(', ') || 'of no head'}`);
    return { model, foundation: undefined };
  }
  if (!foundation) throw invalid(`--foundation is required, since ${base} is not there (graft pretrain makes one)`);
  const model = new SamSegmenter({
    architecture: samConfig(architecture, { imageSize, classes: classes.length }),
    ...{ classes, preprocessing, windows: windowSchema.parse({ slices }), device },
  });
  model.initialise(seed);
  const report = model.loadFoundation(foundation);
  model.save(base, { foundation, seed: String(seed) });
  return { model, foundation: report };
}
