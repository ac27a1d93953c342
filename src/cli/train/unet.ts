/** `graft train --model unet2d`: a network and its early heads. */
import type { Preprocessing, Split } from '../../data/index.js';
import { cliError } from '../errors.js';
import type { Context } from '../run-command.js';
import type { TrainOptions } from './options.js';

export interface UNetOptions extends TrainOptions {
  filters: number;
  tolerance: number;
}

export async function trainUNet(
  context: Context,
  { train, validation }: Split<'train' | 'validation'>,
  preprocessing: Preprocessing,
  { out, resume, sites, classes, filters, augment, seed, tolerance, device, cache, training }: UNetOptions,
) {
  const { hasCheckpoints, progressOf, removeCheckpoints, trainModel } = await import('../../runs/index.js');
  const { trainingSchema } = await import('../../adapt/index.js');
  const source = sites.join(', ');
  const job = {
    task: `train on ${source}`,
    ...{ train, validation, classes, preprocessing, seed, device, cache },
    architecture: { inChannels: 1, outChannels: classes.length, filters },
    training: trainingSchema.parse({ ...training, ...(augment ? {} : { augmentation: null }) }),
    toleranceMm: tolerance,
    checkpoint: out,
  };
  if (!resume && hasCheckpoints(out)) throw cliError('CHECKPOINT_EXISTS', { file: out });
  const model = await context.follow(progressOf(trainModel(job)));
  model.save(out, { seed: String(seed), source });
  removeCheckpoints(out);
  const { fingerprint, reference } = model;
  return {
    result: { model: out, fingerprint, reference },
    lines: [`model: ${out}`, `base fingerprint: ${fingerprint}`],
  };
}
