/**
 * What nnU-Net v2 says of a network it trained: `plans.json` (how images are prepared and what the network is made of) and
 * `dataset.json` (channels and labels). What cannot be done as nnU-Net does it is refused.
 */
import { z } from 'zod';
import { readRegularText } from '../../core/index.js';
import { type Preprocessing, preprocessingSchema } from '../../data/index.js';
import { type PlainUNetConfig, plainUNetSchema } from './config.js';
import { plainUNetError } from './errors.js';

const numbers = z.array(z.number());
const pairs = z.array(numbers);

const architectureSchema = z.looseObject({
  network_class_name: z.string(),
  arch_kwargs: z.looseObject({
    features_per_stage: numbers,
    kernel_sizes: pairs,
    strides: pairs,
    n_conv_per_stage: numbers.optional(),
    n_conv_per_stage_decoder: numbers,
    conv_bias: z.boolean(),
    norm_op: z.string().nullable(),
    norm_op_kwargs: z.looseObject({ eps: z.number().default(1e-5), affine: z.boolean().default(false) }).nullable(),
    nonlin: z.string().nullable(),
    nonlin_kwargs: z.looseObject({ negative_slope: z.number().default(0.01) }).nullable(),
    nonlin_first: z.boolean().default(false),
  }),
});

const configurationSchema = z.looseObject({
  patch_size: numbers,
  spacing: numbers,
  normalization_schemes: z.array(z.string()),
  use_mask_for_norm: z.array(z.boolean()),
  resampling_fn_data: z.string(),
  architecture: z.looseObject({}),
});

const plansSchema = z.looseObject({
  image_reader_writer: z.string(),
  transpose_forward: numbers,
  configurations: z.record(z.string(), z.record(z.string(), z.unknown())),
  foreground_intensity_properties_per_channel: z.record(z.string(), z.record(z.string(), z.number())),
});

const datasetSchema = z.looseObject({
  channel_names: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.union([z.number(), numbers])),
});

export interface PlannedModel {
  config: PlainUNetConfig;
  /** Names of the labels 1, 2, … */
  classes: string[];
  preprocessing: Preprocessing;
}

/**
 * @param configuration the one that was trained, such as `2d`
 * @param mirror axes that the network may be mirrored along: 0 rows, 1 columns
 * @throws GraftError NNUNET_FILE, NNUNET_UNSUPPORTED
 */
export function readPlans(
  files: { plans: string; dataset: string },
  configuration: string,
  mirror: readonly number[],
): PlannedModel {
  const plans = parsed(plansSchema, contentOf(files.plans), files.plans);
  const dataset = parsed(datasetSchema, contentOf(files.dataset), files.dataset);
  const raw = inherited(plans.configurations, configuration, files.plans);
  const refuse = refusal(files.plans);
  const patch = raw.patch_size;
  if (Array.isArray(patch) && patch.length !== 2)
    throw refuse(`the configuration ${configuration}`, `one for patches of ${patch.join(' x ')} voxels`, 'a 2D one', {
      way: 'graft segments slices. Train the configuration 2d of the same plans: nnUNetv2_train DATASET 2d FOLD.',
    });
  const own = parsed(configurationSchema, withArchitecture(raw), files.plans, `configurations.${configuration}`);
  const classes = classesOf(dataset.labels, files.dataset);
  const channels = Object.values(dataset.channel_names);
  if (channels.length !== 1)
    throw refusal(files.dataset)('the number of channels', `${channels.length} (${channels.join(', ')})`, '1', {
      way: 'graft reads one image for each case. Train nnU-Net on one of the channels.',
    });
  return {
    config: plainUNetSchema.parse({
      ...networkOf(own.architecture, files.plans),
      ...{ inChannels: 1, classes: classes.length, patch: own.patch_size, mirror },
    }),
    classes,
    preprocessing: preprocessingOf(plans, own, files.plans),
  };
}

type Refuse = (what: string, found: string, expected: string, more: { way: string }) => Error;
const refusal =
  (file: string): Refuse =>
  (what, found, expected, { way }) =>
    plainUNetError('NNUNET_UNSUPPORTED', { file, what, found, expected, way });

function contentOf(file: string): unknown {
  try {
    return JSON.parse(readRegularText(file));
  } catch (error) {
    throw plainUNetError('NNUNET_FILE', { file, reason: (error as Error).message }, error);
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown, file: string, at = ''): z.output<Schema> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [{ path, message }] = read.error.issues;
  const place = [...(at ? [at] : []), ...path].join('.') || 'the file';
  throw plainUNetError('NNUNET_FILE', { file, reason: `${place}: ${message}` });
}

type Raw = Record<string, unknown>;

/** A configuration with what it takes from others. */
function inherited(all: Record<string, Raw>, name: string, file: string, below: readonly string[] = []): Raw {
  const reason = Object.hasOwn(all, name)
    ? below.includes(name) && `its configuration ${name} inherits from itself`
    : `it has no configuration ${name}, but ${Object.keys(all).join(', ') || 'none'}`;
  if (reason) throw plainUNetError('NNUNET_FILE', { file, reason });
  const { inherits_from: parent, ...own } = all[name];
  return typeof parent === 'string' ? { ...inherited(all, parent, file, [...below, name]), ...own } : own;
}

/** Plans of before nnU-Net 2.3 name the sizes of the network in the configuration itself. */
function withArchitecture(raw: Raw): Raw {
  const { UNet_class_name: name, UNet_base_num_features: base, unet_max_num_features: most } = raw;
  const stages = raw.n_conv_per_stage_encoder;
  if (raw.architecture !== undefined || typeof name !== 'string' || !Array.isArray(stages)) return raw;
  return {
    ...raw,
    architecture: {
      network_class_name: name,
      arch_kwargs: {
        features_per_stage: stages.map((_, level) => Math.min(Number(base) * 2 ** level, Number(most))),
        ...{ kernel_sizes: raw.conv_kernel_sizes, strides: raw.pool_op_kernel_sizes, n_conv_per_stage: stages },
        ...{ n_conv_per_stage_decoder: raw.n_conv_per_stage_decoder, conv_bias: true },
        ...{ norm_op: 'InstanceNorm2d', norm_op_kwargs: { affine: true }, nonlin: 'LeakyReLU', nonlin_kwargs: {} },
      },
    },
  };
}

/** The last part of a Python name. */
const shortName = (name: string | null) => name?.split('.').at(-1) ?? 'none';

const RETRAIN = 'Plan with nnU-Net’s own planner (nnUNetv2_plan_experiment -pl ExperimentPlanner) and train 2d again.';

function networkOf(architecture: Raw, file: string): Omit<z.input<typeof plainUNetSchema>, 'classes'> {
  const refuse = refusal(file);
  const kind = shortName(String(architecture.network_class_name ?? ''));
  if (kind !== 'PlainConvUNet') throw refuse('the network', kind || 'not named', 'a PlainConvUNet', { way: RETRAIN });
  const { arch_kwargs: sizes } = parsed(architectureSchema, architecture, file, 'architecture');
  const norm = shortName(sizes.norm_op);
  const affine = sizes.norm_op_kwargs?.affine ?? false;
  if (norm !== 'InstanceNorm2d' || !affine)
    throw refuse('the normalisation', affine ? norm : `${norm} without scales and shifts`, 'InstanceNorm2d', {
      way: RETRAIN,
    });
  const nonlinearity = shortName(sizes.nonlin);
  if (nonlinearity !== 'LeakyReLU' || sizes.nonlin_first)
    throw refuse(
      'the nonlinearity',
      nonlinearity + (sizes.nonlin_first ? ' before the normalisation' : ''),
      'LeakyReLU behind the normalisation',
      { way: RETRAIN },
    );
  const even = sizes.kernel_sizes.find((kernel) => kernel.some((side) => side % 2 === 0));
  if (even) throw refuse('a kernel', even.join(' x '), 'an odd one', { way: RETRAIN });
  const stages = sizes.features_per_stage.map((features, level) => ({
    ...{ features, kernel: sizes.kernel_sizes[level], stride: sizes.strides[level] },
    convolutions: sizes.n_conv_per_stage?.[level],
    // The decoder counts from the deepest stage upwards.
    decoding: sizes.n_conv_per_stage_decoder.at(-1 - level) ?? 1,
  }));
  const slope = sizes.nonlin_kwargs?.negative_slope ?? 0.01;
  return parsed(
    plainUNetSchema.omit({ classes: true }),
    { stages, bias: sizes.conv_bias, eps: sizes.norm_op_kwargs?.eps ?? 1e-5, slope },
    file,
    'architecture',
  );
}

function classesOf(labels: Record<string, number | number[]>, file: string): string[] {
  const refuse = refusal(file);
  const region = Object.entries(labels).find(([, value]) => Array.isArray(value));
  if (region)
    throw refuse(`the label ${region[0]}`, `a region of the labels ${region[1]}`, 'a number', {
      way: 'graft predicts one class for each voxel. Train nnU-Net on labels that do not overlap.',
    });
  const named = Object.entries(labels as Record<string, number>).filter(([name]) => name !== 'ignore');
  const byNumber = named.sort(([, a], [, b]) => a - b);
  if (byNumber.length < 2 || byNumber.some(([, value], i) => value !== i))
    throw plainUNetError('NNUNET_FILE', {
      ...{ file, reason: `labels: expected the numbers 0, 1, …; found ${byNumber.map(([, value]) => value)}` },
    });
  return byNumber.slice(1).map(([name]) => name);
}

const axes = ['axial', 'coronal', 'sagittal'] as const;

function preprocessingOf(
  plans: z.output<typeof plansSchema>,
  {
    spacing,
    normalization_schemes: [scheme],
    use_mask_for_norm: [masked],
    ...own
  }: z.output<typeof configurationSchema>,
  file: string,
): Preprocessing {
  const refuse = refusal(file);
  const [slow, ...others] = plans.transpose_forward;
  if (axes[slow] === undefined || others.join() !== [0, 1, 2].filter((axis) => axis !== slow).join())
    throw refuse('transpose_forward', plans.transpose_forward.join(', '), 'the axis of the slices, then the others', {
      way: RETRAIN,
    });
  if (own.resampling_fn_data !== 'resample_data_or_seg_to_shape')
    throw refuse('the resampling of images', own.resampling_fn_data, 'resample_data_or_seg_to_shape', { way: RETRAIN });
  const properties = plans.foreground_intensity_properties_per_channel['0'] ?? {};
  const intensities: Record<string, unknown> = {
    ZScoreNormalization: { kind: 'z-score', ...(masked && { within: 'nonzero' }) },
    RescaleTo01Normalization: { kind: 'min-max' },
    CTNormalization: {
      ...{ kind: 'fixed-z-score', low: properties.percentile_00_5, high: properties.percentile_99_5 },
      ...{ mean: properties.mean, deviation: Math.max(properties.std, 1e-8) },
    },
  };
  if (!Object.hasOwn(intensities, scheme))
    throw refuse('the normalisation of intensities', scheme, `one of ${Object.keys(intensities).join(', ')}`, {
      way: 'Name the channel in dataset.json after its modality, such as CT or MRI, plan and train 2d again.',
    });
  return parsed(
    preprocessingSchema,
    {
      ...{ axis: axes[slow], spacing, crop: 'nonzero', resampling: 'spline', multiple: 1 },
      // Its other readers take images as files store them.
      ...(plans.image_reader_writer !== 'NibabelIOWithReorient' && { orientation: 'stored' }),
      intensity: intensities[scheme],
    },
    file,
  );
}
