/** Segmenters of either family as tests want them: untrained, in one line. */
import type { Preprocessing, WindowConfig } from '../src/data/index.js';
import { networkFamilies } from '../src/networks/index.js';
import type { SamConfig } from '../src/networks/sam/index.js';
import type { UNet2DConfig } from '../src/networks/unet2d/index.js';
import { Segmenter } from '../src/segmenter/index.js';

interface Parts {
  classes?: readonly string[];
  preprocessing?: Preprocessing;
  windows?: WindowConfig;
  /** Levels of the early heads. */
  heads?: readonly number[];
}

const segmenterOf = (name: string, config: unknown, { classes, heads, ...preparation }: Parts): Segmenter =>
  new Segmenter({ family: networkFamilies[name], config, classes, heads, preparation });

export const unetSegmenter = (config: UNet2DConfig, parts: Parts = {}): Segmenter =>
  segmenterOf('unet2d', config, parts);

export const samSegmenter = (config: SamConfig, parts: Parts = {}): Segmenter => segmenterOf('sam', config, parts);
