/** Segment Anything as a family of networks. */
import { z } from 'zod';
import { preprocessingSchema, windowSchema } from '../../data/index.js';
import { initialiseModule, unwrap } from '../../nn/index.js';
import { noGrad, scope, type Tensor } from '../../torch/index.js';
import type { ForeignModel, NetworkFamily } from '../family.js';
import { loadSamCheckpoint, patchEmbedding, samStateOf } from './checkpoint.js';
import { type SamArchitecture, type SamConfig, samArchitectures, samConfig, samSchema } from './config.js';
import { earlier } from './earlier.js';
import { samError, samErrors } from './errors.js';
import { samAdapterSchema, samPlans } from './plans.js';
import { publishedConfig, takeUnitImages } from './published.js';
import { Sam } from './sam.js';

/** How a published checkpoint expects its images, which its file does not say. */
const scalings = ['sam', 'medsam'] as const;

export const sam: NetworkFamily<SamConfig> = {
  name: 'sam',
  title: 'Segment Anything',
  config: samSchema,
  settings: z.strictObject({ imageSize: samSchema.shape.imageSize.default(64) }),
  sizes: Object.keys(samArchitectures),
  windows: windowSchema.parse({}),
  adapter: samAdapterSchema,
  plans: samPlans,
  defaultPlan: 'flap-sam',
  methods: {},
  blocks: { encoder: [], decoder: [] },
  landmark: patchEmbedding,
  scalings,
  published: { classes: 2, settings: { imageSize: 224 } },
  errors: samErrors,

  configure: (size, classes, settings = {}) =>
    samConfig(size as SamArchitecture, {
      imageSize: (settings.imageSize as number | undefined) ?? 64,
      classes: classes === 0 ? null : classes,
    }),
  build: (config) => new Sam(config),
  initialise(network, seed) {
    initialiseModule(network, seed, 'sam');
    suitPatches(network as Sam);
  },
  loadFoundation: (network, file) => loadSamCheckpoint(network as Sam, file),
  foreign(path, state, { scaling }) {
    if (!state || !unwrap(state, patchEmbedding, path)) return undefined;
    if (!scaling) throw samError('SAM_SCALING', { file: path });
    return published(path, publishedConfig(samStateOf(state, path), path), scaling);
  },
  earlier,
  describe: ({ imageSize, embedDim, depth }) => {
    const size = Object.entries(samArchitectures).find(([, one]) => one.embedDim === embedDim && one.depth === depth);
    return `Segment Anything${size ? ` (${size[0]})` : ''}, ${imageSize} pixels`;
  },
};

/**
 * A checkpoint of segment-anything or MedSAM as it was published, for prompts. Slices, one at a time, are stretched to the
 * model's square as MedSAM does, or keep their sides' ratio and are padded as segment-anything does; the darkest and the
 * brightest half percent of a volume are clipped, as in MedSAM's preparation: segment-anything begins with 8-bit images.
 */
function published(path: string, config: SamConfig, scaling: string): ForeignModel<SamConfig> {
  const preprocessing = preprocessingSchema.parse({
    ...{ size: [config.imageSize, config.imageSize], stretch: true, multiple: 16 },
    intensity: { kind: 'percentile', low: 0.5, high: 99.5 },
  });
  // MedSAM stretches every slice to [0, 1] once more.
  const windows = windowSchema.parse({ slices: 1, scaling: scaling === 'medsam' ? 'window' : 'volume' });
  return {
    config,
    preparation: { preprocessing, windows, ...(scaling === 'sam' && { cornered: true }) },
    load(network) {
      loadSamCheckpoint(network as Sam, path);
      if (scaling === 'sam') takeUnitImages(network as Sam);
    },
  };
}

/**
 * Makes fresh patch filters blind to a patch's mean and sensitive to its contrast. Images in [0, 1] differ in their means
 * far more than in what they show: with a convolution's usual values all tokens are nearly equal, and training from
 * scratch hardly sees the image for thousands of steps.
 */
function suitPatches(network: Sam): void {
  const filters = network.parameters().get(patchEmbedding) as Tensor; // [C, 3, 16, 16]
  // With this factor tokens of images whose deviation is about 0.15 have about unit variance.
  noGrad(() => scope(() => filters.copy_(filters.sub(filters.mean([2, 3], true)).mul(32))));
}
