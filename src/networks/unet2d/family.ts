/** The residual 2D U-Net as a family of networks. */
import { initialiseModule, type State, unwrap } from '../../nn/index.js';
import type { NetworkFamily } from '../family.js';
import { decoderBlocks, encoderBlocks, type UNet2DConfig, unet2dSchema } from './config.js';
import { earlier } from './earlier.js';
import { EarlyHead } from './early-head.js';
import { unetAdapterSchema, unetMethods, unetPlans } from './plans.js';
import { UNet2D } from './unet2d.js';

/** The first and the last weight of the reference code's U-Net: their shapes tell its sizes. */
const ends = ['init_path.0.weight', 'out_path.1.layer.weight'];

export const unet2d: NetworkFamily<UNet2DConfig> = {
  name: 'unet2d',
  title: 'U-Net',
  config: unet2dSchema,
  settings: unet2dSchema.pick({ filters: true, mirror: true }),
  sizes: ['unet2d'],
  windows: { slices: 1, scaling: 'volume' },
  adapter: unetAdapterSchema,
  plans: unetPlans,
  defaultPlan: 'convlora-decoder',
  methods: unetMethods,
  defaultMethod: 'convlora-adabn',
  blocks: { encoder: encoderBlocks, decoder: decoderBlocks },

  configure: (_, classes, settings = {}) => unet2dSchema.parse({ ...settings, inChannels: 1, outChannels: classes }),
  build: (config) => new UNet2D(config),
  initialise: (network, seed) => initialiseModule(network, seed, 'network'),
  heads: (network, levels = [encoderBlocks.length - 1]) =>
    levels.map((level) => new EarlyHead(level, (network as UNet2D).config)),
  /** A checkpoint of the reference code, which comes without early heads. */
  foreign(path, state) {
    const own: State | undefined = state && unwrap(state, ends[0], path);
    const [first, last] = ends.map((name) => own?.get(name)?.shape);
    if (!own || first?.length !== 4 || last?.length !== 4) return undefined;
    return {
      config: { inChannels: first[1], outChannels: last[0], filters: first[0] },
      load: (network) => network.loadState(own, { file: path }),
    };
  },
  landmark: ends[0],
  earlier,
  published: { classes: 1, settings: { filters: 16 } },
  remark: ({ filters }) =>
    filters === 16
      ? 'The ConvLoRA paper states 24.3 M parameters for this network; its own code has 2.43 M, as counted here.'
      : undefined,
  describe: ({ filters }) => `residual 2D U-Net, ${filters} filters`,
};
