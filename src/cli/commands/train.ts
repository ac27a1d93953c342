/** `graft train`: a network on labelled cases that lie in one place. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { auditOption, startAudit } from '../audit.js';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import { pageOption } from '../page.js';
import { givenSettings, headings, refuseForeign, settingsOptions } from '../settings.js';
import type { Trained } from '../train/options.js';

const groups = {
  [headings.source]: ['filters', 'size', 'contrast', 'diceWeight', 'headEpochs', 'headLr'],
  [headings.part]: [
    ...['imageSize', 'foundation', 'base', 'plan', 'rank', 'slices', 'keep', 'patience', 'accumulate', 'overlap'],
    ...['weightDecay', 'warmup', 'decayEpochs', 'power', 'ceWeight', 'precision', 'checkpointing'],
  ],
};

const common = {
  classes: 'classes',
  tolerance: 'toleranceMm',
  axis: 'preprocessing.axis',
  spacing: 'preprocessing.spacing',
  intensity: 'preprocessing.intensity',
  batch: 'training.batch',
  lr: 'training.lr',
  augment: 'training.augmentation',
};
const inTraining = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, `training.${key}`]));

/** The keys that options are short for. */
const shorthands: Record<keyof typeof headings, Record<string, string>> = {
  source: {
    ...common,
    model: 'network',
    ...{ split: 'split.source', groupBy: 'sourceGroupBy', filters: 'architecture.filters', size: 'preprocessing.size' },
    ...{ contrast: 'training.augmentation.contrast', ...inTraining(['epochs', 'diceWeight', 'headEpochs', 'headLr']) },
  },
  part: {
    ...common,
    ...{ split: 'split', groupBy: 'groupBy', model: 'model.architecture', imageSize: 'model.imageSize' },
    ...{ foundation: 'model.checkpoint', plan: 'plan', rank: 'adapter.rank', slices: 'windows.slices' },
    ...{ epochs: 'epochs', keep: 'keep', patience: 'patience' },
    ...inTraining(['accumulate', 'overlap', 'weightDecay', 'warmup', 'decayEpochs', 'power', 'ceWeight']),
    ...inTraining(['precision', 'checkpointing']),
  },
};

export const registerTrain = (program: Command): void =>
  defineCommand(program, {
    name: 'train',
    summary: 'Train a U-Net, or a part of Segment Anything, on labelled sites',
    details:
      'A whole network: one safetensors file with the network, the early heads that adaptation needs, the preprocessing, and the ' +
      'ranges that the guard compares with. A part of one (--plan; Segment Anything always): an adapter with what the plan trains, beside a frozen base ' +
      'that is made from a foundation, or shared with other adapters where its file is there already; the cases of ' +
      'several sites train together. --set takes every key that a recipe has for a training (docs/recipes.md), and ' +
      '--recipe takes them from a file; options overrule the recipe, --set overrules both. Beside NAME.safetensors lie the ' +
      'log NAME.metrics.jsonl and the page NAME.report.html with scores, curves and pictures.',
    arguments: { '<data>': 'data set, ROOT/SITE/{images,labels}/CASE.nii.gz' },
    options: trainOptions,
    groups,
    examples: [
      ['graft train data/brain --site ixi-t1 --out brain.safetensors', 'with the defaults'],
      [
        'graft train data/brain --site ixi-t1 --out brain.safetensors --spacing 2 --filters 8 --epochs 3',
        'small and fast',
      ],
      [
        'graft train data/brain --site ixi-t1 --spacing 2 --size 128,128 --intensity histogram --contrast 0.5',
        'for targets of other sequences',
      ],
      ['graft train data/brain --recipe brain-scanners --set training.epochs=4', 'as in a recipe, but for a key'],
      ['graft train data/brain --site ixi-t1 --out brain.safetensors --resume', 'go on after an interruption'],
      ['graft train data/brain --site ixi-t1 --out brain.safetensors --page', 'with its curves in a browser'],
      [
        'graft train data/brain --site guys-t1 --init brain.safetensors --out more.safetensors --epochs 5 --lr 3e-4',
        'more epochs for a finished model, here on another site',
      ],
      [
        'graft train data/hippocampus --model sam-tiny --foundation foundation.safetensors --site site-a,site-b \\\n    --classes anterior,posterior --base base.safetensors --out adapter.safetensors',
        'Segment Anything on the cases of two sites',
      ],
    ],
    async run(
      context,
      { recipe: named, model: wanted, out, resume, init, base, cache, plan, tensorboard, page, audit, ...options },
      data,
    ) {
      const { given } = context;
      const studies = await import('../../studies/index.js');
      const { findDataset, findRecipe, networkIn, readSettings, trainingOf } = studies;
      const { describeSplit, siteOf } = await import('../../data/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      const recipe = named === undefined ? undefined : findRecipe(named);
      const { defaultSizes, familyOfSize } = await import('../../networks/index.js');
      const model = wanted ?? (recipe === undefined ? defaultSizes.source : networkIn(recipe));
      const training = familyOfSize(model).heads && !('plan' in given) ? 'source' : 'part';
      refuseForeign(groups, training, given, 'train');
      const from = recipe === undefined ? undefined : trainingOf(recipe, training, plan);
      const sites = options.site ?? from?.sites;
      if (!sites) throw invalid('--site is required');
      const overruled = await givenSettings(shorthands[training], asValues(given), 'train');
      // Also with --resume: what is finished is not computed again.
      if (existsSync(out)) throw cliError('OUTPUT_EXISTS', { file: out });
      const dataset = findDataset({ data: { ...from?.data, root: data } }, data)!;
      const cases = sites.flatMap((site) => siteOf(dataset, site).cases);
      const seed = options.seed ?? from?.seed ?? 1;
      const shared = {
        out,
        resume,
        sites,
        cases,
        seed,
        device: chooseDevice(options.device),
        cache,
        named: overruled,
        init,
        tensorboard,
        page,
      };
      let done: Trained;
      if (training === 'source') {
        const { settingsOfModel, trainSource } = await import('../train/source.js');
        const first = { ...(await settingsOfModel(init)), ...from?.settings };
        const read = readSettings(studies.sourceSettingsSchema, first, overruled, 'graft train');
        done = await trainSource(context, studies.ofSourceFamily(read), shared);
      } else {
        const { settingsOfAdapter, trainPart } = await import('../train/part.js');
        const first = { ...(await settingsOfAdapter(init)), ...from?.settings };
        const read = readSettings(studies.partSettingsSchema, first, overruled, 'graft train');
        done = await trainPart(context, studies.ofPartFamily(read), { ...shared, base });
      }
      const { result, split, lines } = done;
      const line = await startAudit(context, 'train', { folder: dirname(out), audit });
      for (const { site, name, image, label } of cases)
        line.reads(`${site}/${name}`, image, ...(label === undefined ? [] : [label]));
      if (init !== undefined) line.uses('init', init);
      if (training === 'part') line.uses('base', base);
      line.writes(out);
      line.finish();
      context.print({ ...result, split }, () => [...lines, describeSplit(split)].join('\n'));
    },
  });

const invalid = (problems: string) => cliError('OPTION_INVALID', { problems, command: 'train' });

/** Options whose values are not those of the keys that they stand for. */
function asValues(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { intensity, augment, validation, test = 0, ...rest } = given;
  if (augment === false && 'contrast' in given)
    throw invalid('--contrast is a random change of the slices, which --no-augment leaves out');
  const shares = 'validation' in given || 'test' in given;
  const [scored, chooses] = [Number(test), Number(validation ?? 0.15)];
  if (shares && scored + chooses > 0.9) throw invalid('--validation and --test leave too few cases for training');
  return {
    ...rest,
    ...(intensity !== undefined && { intensity: { kind: intensity } }),
    ...(augment !== undefined && { augment: augment ? {} : null }),
    ...(shares && { split: { train: 1 - scored - chooses, validation: chooses, test: scored } }),
  };
}

async function trainOptions() {
  const [
    { z },
    { trainingSchema },
    { classNamesSchema, distinct, preprocessingSchema, windowSchema },
    networks,
    { fineTuningSchema },
    peft,
  ] = await Promise.all([
    import('zod'),
    import('../../adapt/index.js'),
    import('../../data/index.js'),
    import('../../networks/index.js'),
    import('../../finetune/index.js'),
    import('../../peft/index.js'),
  ]);
  const { sizeNames } = networks;
  const { augmentation: _, adapter: __, epochs, batch, lr, ...part } = fineTuningSchema.shape;
  const defaults = (key: 'epochs' | 'batch' | 'lr') =>
    `default: ${trainingSchema.shape[key].parse(undefined)} for a whole network, ${fineTuningSchema.shape[key].parse(undefined)} for a part`;
  const share = z.number().positive().max(0.9);
  return z.strictObject({
    model: z
      .enum(sizeNames as [string, ...string[]])
      .optional()
      .describe(`network; default: ${networks.defaultSizes.source}, or the recipe’s`),
    site: distinct(z.string())
      .optional()
      .describe('the site whose labels are learned, or several; required unless --recipe names them'),
    out: z.string().default('model.safetensors').describe('the file of the model, or of the adapter'),
    resume: z.boolean().default(false).describe('go on from the checkpoints beside --out'),
    init: z
      .string()
      .optional()
      .describe('model to start from, or the adapter of a part; what is not given is as it was for that one'),
    ...settingsOptions(z),
    tensorboard: z.boolean().default(false).describe('write event files for TensorBoard beside --out'),
    page: pageOption(z, 'the training'),
    classes: classNamesSchema.default(['foreground']).describe('names of the labels 1, 2, …'),
    validation: share.default(0.15).describe('share of the cases that chooses the epoch'),
    test: share.optional().describe('share of the cases that is kept from training and scored; default: none'),
    groupBy: z
      .string()
      .optional()
      .describe('regular expression on the names of cases; its first capture is the patient, who is never split'),
    axis: preprocessingSchema.shape.axis,
    spacing: z.number().positive().optional().describe('in-plane pixel in mm; default: each volume’s own'),
    intensity: z
      .enum(['percentile', 'histogram', 'min-max', 'z-score'])
      .default('percentile')
      .describe('how a volume’s intensities are scaled; histogram helps where targets are of other sequences'),
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
    tolerance: z.number().positive().default(2).describe('of the surface Dice, in mm'),
    seed: z.int().min(0).optional().describe('default: 1, or the recipe’s first'),
    device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
    cache: z
      .string()
      .optional()
      .describe('folder that keeps prepared slices, for sets larger than memory; default: none'),
    ...auditOption(z),
    ...networks.settingsOf(),
    size: preprocessingSchema.shape.size.describe(
      'height,width of a slice in pixels, padded or cropped about the centre; none: the volume’s own',
    ),
    contrast: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('probability of a random intensity curve, for targets of other sequences'),
    ...trainingSchema.pick({ diceWeight: true, headEpochs: true, headLr: true }).shape,
    foundation: z.string().optional().describe('checkpoint that a new base starts from'),
    base: z
      .string()
      .default('base.safetensors')
      .describe('the frozen network; used where it is there, written otherwise'),
    rank: peft.loraOptions.shape.rank,
    slices: windowSchema.shape.slices,
    ...part,
    plan: part.plan.optional().describe('what is trained; default: the network’s usual plan, or the recipe’s first'),
  });
}
