/** nnU-Net's plain U-Net as a family of networks. */
import { initialiseModule, unwrap } from '../../nn/index.js';
import type { NetworkFamily } from '../family.js';
import { landmark, trainedModel } from './checkpoint.js';
import { CoarseHead } from './coarse-head.js';
import { type PlainUNetConfig, plainUNetSchema, plainUNetSettings, plannedConfig } from './config.js';
import { plainUNetError, plainUNetErrors } from './errors.js';
import { PlainUNet } from './plain-unet.js';
import { plainUNetAdapterSchema, plainUNetMethods, plainUNetPlans } from './plans.js';

export const plainUNet: NetworkFamily<PlainUNetConfig> = {
  name: 'plain-unet',
  title: 'Plain U-Net',
  config: plainUNetSchema,
  settings: plainUNetSettings,
  sizes: ['plain-unet'],
  windows: { slices: 1, scaling: 'volume' },
  adapter: plainUNetAdapterSchema,
  plans: plainUNetPlans,
  defaultPlan: 'convlora',
  methods: plainUNetMethods,
  defaultMethod: 'norm',
  blocks: { encoder: ['encoder'], decoder: ['decoder'] },

  configure(_, classes, { baseFeatures, stages, nnunet } = {}) {
    const settings = plainUNetSettings.parse({ baseFeatures, stages, nnunet });
    const given = settings.nnunet === undefined ? undefined : trainedModel(settings.nnunet);
    if (given || settings.nnunet === undefined) return given?.config ?? plannedConfig(classes, settings);
    throw plainUNetError('NNUNET_FILE', { file: settings.nnunet, reason: 'it has no plans.json and dataset.json' });
  },
  build: (config) => new PlainUNet(config),
  initialise: (network, seed) => initialiseModule(network, seed, 'network'),
  heads: (network, levels = [0]) => levels.map(() => new CoarseHead(network as PlainUNet)),
  foreign(path, state) {
    // Of a file first its tensors are looked at.
    return state && !unwrap(state, landmark, path) ? undefined : trainedModel(path);
  },
  landmark,
  errors: plainUNetErrors,
  published: { classes: 1, settings: { baseFeatures: 32, stages: 7 } },
  describe: ({ stages }) => `plain U-Net, ${stages.map(({ features }) => features).join(', ')} features`,
};
