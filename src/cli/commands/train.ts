/** `graft train`: a network on labelled cases that lie in one place. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { SamArchitecture } from '../../models/index.js';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';

/** Options that mean something for one kind of network only. */
const unetOnly = ['filters', 'diceWeight', 'headEpochs', 'headLr', 'tolerance'];
const samOnly = [
  ...['imageSize', 'foundation', 'base', 'plan', 'rank', 'slices', 'keep', 'patience', 'accumulate', 'overlap'],
  ...['weightDecay', 'warmup', 'decayEpochs', 'power', 'ceWeight', 'precision', 'checkpointing'],
];

export const registerTrain = (program: Command): void =>
  defineCommand(program, {
    name: 'train',
    summary: 'Train a U-Net, or a part of Segment Anything, on labelled sites',
    details:
      'unet2d: one safetensors file with the network, the early heads that adaptation needs, the preprocessing, and the ' +
      'ranges that the guard compares with. Segment Anything: an adapter with what the plan trains, beside a frozen base ' +
      'that is made from a foundation, or shared with other adapters where its file is there already; the cases of ' +
      'several sites train together. What a recipe can set beyond these options: docs/recipes.md.',
    arguments: { '<data>': 'data set, ROOT/SITE/{images,labels}/CASE.nii.gz' },
    options: trainOptions,
    examples: [
      ['graft train data/brain --site ixi-t1 --out brain.safetensors', 'with the defaults'],
      [
        'graft train data/brain --site ixi-t1 --out brain.safetensors --spacing 2 --filters 8 --epochs 3',
        'small and fast',
      ],
      ['graft train data/brain --site ixi-t1 --out brain.safetensors --resume', 'go on after an interruption'],
      [
        'graft train data/hippocampus --model sam-tiny --foundation foundation.safetensors --site site-a,site-b \\\n    --classes anterior,posterior --base base.safetensors --out adapter.safetensors',
        'Segment Anything on the cases of two sites',
      ],
    ],
    async run(context, options, data) {
      const { site: sites, out, resume, classes, validation, spacing, axis, model, device: wanted, ...rest } = options;
      const [foreign, kind] = model === 'unet2d' ? [samOnly, 'Segment Anything'] : [unetOnly, 'unet2d'];
      const stray = foreign.find((key) => key in context.given);
      if (stray) {
        const { flagOf } = await import('../options.js');
        const problems = `${flagOf(stray)} belongs to ${kind}, not to ${model}`;
        throw cliError('OPTION_INVALID', { problems, command: 'train' });
      }
      const { preprocessingSchema, readDataset, siteOf, splitCases, describeSplit } = await import(
        '../../data/index.js'
      );
      const { chooseDevice } = await import('../../torch/index.js');
      // Also with --resume: what is finished is not computed again.
      if (existsSync(out)) throw cliError('OUTPUT_EXISTS', { file: out });
      const dataset = readDataset(data);
      const cases = sites.flatMap((site) => siteOf(dataset, site).cases);
      const { seed, augment, cache } = rest;
      const split = splitCases(cases, { parts: { train: 1 - validation, validation }, seed });
      const preprocessing = preprocessingSchema.parse({ axis, spacing: spacing ?? null });
      const shared = { out, resume, sites, classes, augment, seed, device: chooseDevice(wanted), cache };
      const training = await trainingOf(model === 'unet2d', rest);
      let done: { result: object; lines: string[] };
      if (model === 'unet2d') {
        const { trainUNet } = await import('../train/unet.js');
        const { filters, tolerance } = rest;
        done = await trainUNet(context, split, preprocessing, { ...shared, filters, tolerance, training });
      } else {
        const { trainSam } = await import('../train/sam.js');
        const { imageSize, foundation, base, plan, rank, slices, keep, patience } = rest;
        const own = { model, imageSize, foundation, base, plan, adapter: { rank }, slices, keep, patience };
        done = await trainSam(context, split, preprocessing, { ...shared, ...own, training });
      }
      context.print({ ...done.result, split }, () => [...done.lines, describeSplit(split)].join('\n'));
    },
  });

/** The settings of the network's training among the options; those that were not given are left to its schema. */
async function trainingOf(isUNet: boolean, options: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { trainingSchema } = await import('../../adapt/index.js');
  const { localTrainingSchema } = await import('../../finetune/index.js');
  const keys = Object.keys((isUNet ? trainingSchema : localTrainingSchema).shape).concat('epochs');
  return Object.fromEntries(
    Object.entries(options).filter(([key, value]) => keys.includes(key) && value !== undefined),
  );
}

async function trainOptions() {
  const [
    { z },
    { trainingSchema },
    { preprocessingSchema, windowSchema },
    models,
    { fineTuningSchema },
    { adapterSchema },
  ] = await Promise.all([
    import('zod'),
    import('../../adapt/index.js'),
    import('../../data/index.js'),
    import('../../models/index.js'),
    import('../../finetune/index.js'),
    import('../../peft/index.js'),
  ]);
  const { samArchitectures, samSchema, unet2dSchema } = models;
  const { augmentation: _, adapter: __, epochs, batch, lr, ...sam } = fineTuningSchema.shape;
  const defaults = (key: 'epochs' | 'batch' | 'lr') =>
    `default: ${trainingSchema.shape[key].parse(undefined)} for unet2d, ${fineTuningSchema.shape[key].parse(undefined)} for Segment Anything`;
  return z.strictObject({
    model: z
      .enum(['unet2d', ...(Object.keys(samArchitectures) as SamArchitecture[])])
      .default('unet2d')
      .describe('network'),
    site: z.array(z.string()).min(1).describe('the site whose labels are learned, or several'),
    out: z.string().default('model.safetensors').describe('the file of the model, or of the adapter'),
    resume: z.boolean().default(false).describe('go on from the checkpoints beside --out'),
    classes: z.array(z.string()).min(1).default(['foreground']).describe('names of the labels 1, 2, …'),
    validation: z.number().positive().max(0.9).default(0.15).describe('share of the cases that chooses the epoch'),
    axis: preprocessingSchema.shape.axis,
    spacing: z.number().positive().optional().describe('in-plane pixel in mm; default: each volume’s own'),
    epochs: epochs
      .unwrap()
      .optional()
      .describe(`passes over the training cases; ${defaults('epochs')}`),
    batch: batch
      .unwrap()
      .optional()
      .describe(`slices, or windows of slices, in a step; ${defaults('batch')}`),
    lr: lr
      .unwrap()
      .optional()
      .describe(`highest learning rate; ${defaults('lr')}`),
    augment: z.boolean().default(true).describe('random changes of pose, contrast and noise'),
    seed: z.int().min(0).default(1),
    device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
    cache: z
      .string()
      .optional()
      .describe('folder that keeps prepared slices, for sets larger than memory; default: none'),
    filters: unet2dSchema.shape.filters,
    ...trainingSchema.pick({ diceWeight: true, headEpochs: true, headLr: true }).shape,
    tolerance: z.number().positive().default(2).describe('of the surface Dice, in mm'),
    imageSize: samSchema.shape.imageSize.default(64),
    foundation: z.string().optional().describe('checkpoint that a new base starts from'),
    base: z
      .string()
      .default('base.safetensors')
      .describe('the frozen network; used where it is there, written otherwise'),
    rank: adapterSchema.shape.rank,
    slices: windowSchema.shape.slices,
    ...sam,
  });
}
