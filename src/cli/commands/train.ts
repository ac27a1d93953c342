/** `graft train`: a network on one labelled site. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';

export const registerTrain = (program: Command): void =>
  defineCommand(program, {
    name: 'train',
    summary: 'Train a U-Net and its early heads on a labelled site',
    details:
      'Writes one safetensors file with the network, the early heads that adaptation needs, the preprocessing, and the ' +
      'ranges that the guard compares with. What a recipe can set beyond these options: docs/recipes.md.',
    arguments: { '<data>': 'data set, ROOT/SITE/{images,labels}/CASE.nii.gz' },
    options: trainOptions,
    examples: [
      ['graft train data/brain --site ixi-t1 --out brain.safetensors', 'with the defaults'],
      [
        'graft train data/brain --site ixi-t1 --out brain.safetensors --spacing 2 --filters 8 --epochs 3',
        'small and fast',
      ],
      ['graft train data/brain --site ixi-t1 --out brain.safetensors --resume', 'go on after an interruption'],
    ],
    async run(context, options, data) {
      const {
        site,
        out,
        resume,
        classes,
        validation,
        spacing,
        axis,
        filters,
        seed,
        tolerance,
        device,
        augment,
        ...rest
      } = options;
      const { hasCheckpoints, progressOf, removeCheckpoints, trainModel } = await import('../../runs/index.js');
      const { preprocessingSchema, readDataset, siteOf, splitCases, describeSplit } = await import(
        '../../data/index.js'
      );
      const { trainingSchema } = await import('../../adapt/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      // Also with --resume: what is finished is not computed again.
      if (existsSync(out)) throw cliError('OUTPUT_EXISTS', { file: out });
      const { cases } = siteOf(readDataset(data), site);
      const split = splitCases(cases, { parts: { train: 1 - validation, validation }, seed });
      const job = {
        task: `train on ${site}`,
        train: split.train,
        validation: split.validation,
        architecture: { inChannels: 1, outChannels: classes.length, filters },
        preprocessing: preprocessingSchema.parse({ axis, spacing: spacing ?? null }),
        training: trainingSchema.parse({ ...rest, ...(augment ? {} : { augmentation: null }) }),
        seed,
        toleranceMm: tolerance,
        device: chooseDevice(device),
        checkpoint: out,
      };
      if (!resume && hasCheckpoints(out)) throw cliError('CHECKPOINT_EXISTS', { file: out });
      const model = await context.follow(progressOf(trainModel(job)));
      model.save(out, { seed: String(seed), source: site });
      removeCheckpoints(out);
      context.print({ model: out, fingerprint: model.fingerprint, reference: model.reference, split }, () =>
        [`model: ${out}`, `base fingerprint: ${model.fingerprint}`, describeSplit(split)].join('\n'),
      );
    },
  });

async function trainOptions() {
  const [{ z }, { trainingSchema }, { preprocessingSchema }, { unet2dSchema }] = await Promise.all([
    import('zod'),
    import('../../adapt/index.js'),
    import('../../data/index.js'),
    import('../../models/index.js'),
  ]);
  return z.strictObject({
    site: z.string().describe('the site whose labels are learned'),
    out: z.string().default('model.safetensors').describe('the model’s file'),
    resume: z.boolean().default(false).describe('go on from the checkpoints beside --out'),
    classes: z.array(z.string()).default(['foreground']).describe('names of the labels 1, 2, …'),
    validation: z.number().positive().max(0.9).default(0.15).describe('share of the cases that chooses the epoch'),
    axis: preprocessingSchema.shape.axis,
    spacing: z.number().positive().optional().describe('in-plane pixel in mm; default: each volume’s own'),
    filters: unet2dSchema.shape.filters,
    ...trainingSchema.omit({ augmentation: true }).shape,
    augment: z.boolean().default(true).describe('random changes of pose, contrast and noise'),
    seed: z.int().min(0).default(1),
    tolerance: z.number().positive().default(2).describe('of the surface Dice, in mm'),
    device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
  });
}
