/**
 * Segment Anything as a hospital uses it: the frozen base, the classes it names, how volumes become its images, and at
 * most one adapter in use.
 */
import { z } from 'zod';
import {
  type Preprocessing,
  type Profile,
  preprocessingSchema,
  type WindowConfig,
  windowSchema,
} from '../data/index.js';
import { loadSamCheckpoint, Sam, type SamCheckpointReport, type SamConfig, samSchema } from '../networks/index.js';
import { Base, disposeState, initialise, jsonOf, parseMetadata, readState, writeState } from '../nn/index.js';
import { applyPlan } from '../peft/index.js';
import { noGrad, scope, type Tensor } from '../torch/index.js';
import type { SamAdapter } from './adapter.js';
import { finetuneError } from './errors.js';
import type { Preparation } from './preparation.js';
import { preparationShape } from './preparation.js';

export interface SamParts {
  /** `classes: null` has the stock head, which answers prompts alone. */
  architecture: SamConfig;
  /** Names of the classes without the background; none with the stock head. */
  classes: readonly string[];
  /** A size is not needed: it is the model's. */
  preprocessing?: Preprocessing;
  windows?: WindowConfig;
  profile?: Profile | undefined;
  /** Its images are those of segment-anything: slices keep their sides' ratio, padded with the mean colour. For prompts alone. */
  cornered?: boolean | undefined;
  device?: string;
}

export class SamSegmenter {
  readonly sam: Sam;
  readonly classes: readonly string[];
  readonly device: string;
  readonly cornered: boolean;
  readonly #own: Preparation;
  readonly #base: Base;
  #adapter: SamAdapter | undefined;

  /** @throws GraftError SAM_SLICE_SIZE, SAM_CLASSES */
  constructor({ architecture, classes, preprocessing, windows, profile, cornered = false, device = 'cpu' }: SamParts) {
    const masks = architecture.classes ?? 0;
    if (classes.length !== masks)
      throw finetuneError('SAM_CLASSES', { masks, count: classes.length, names: classes.join(', ') || 'none' });
    this.sam = new Sam(architecture);
    this.sam.to(device);
    this.device = device;
    this.cornered = cornered;
    this.classes = classes;
    this.#own = {
      preprocessing: fitted(preprocessing ?? preprocessingSchema.parse({}), architecture.imageSize),
      windows: windows ?? windowSchema.parse({}),
      profile,
    };
    this.#base = new Base(this.sam);
  }

  /** The adapter's where one is in use. */
  get preprocessing(): Preprocessing {
    return (this.#adapter ?? this.#own).preprocessing;
  }
  /** The adapter's where one is in use. */
  get windows(): WindowConfig {
    return (this.#adapter ?? this.#own).windows;
  }

  /** The adapter's where one is in use. */
  get profile(): Profile | undefined {
    return (this.#adapter ?? this.#own).profile;
  }

  /** Fills the model with initial values; what a foundation has replaces them. */
  initialise(seed: number): void {
    initialise(this.sam, seed, 'sam');
    suitPatches(this.sam);
    this.#base.changed();
  }

  /** Takes a foundation's weights as far as they fit; see `loadSamCheckpoint`. */
  loadFoundation(path: string): SamCheckpointReport {
    const report = loadSamCheckpoint(this.sam, path);
    this.#base.changed();
    return report;
  }

  /** Identifies the base's weights: adapters name the base they belong to. */
  get fingerprint(): string {
    return this.#base.fingerprint;
  }

  /**
   * Puts an adapter to use in place of the one in use; undefined: the base alone. The base is not loaded again.
   *
   * @throws GraftError ADAPTER_OTHER_BASE
   */
  use(adapter: SamAdapter | undefined): void {
    this.#base.clear();
    this.#adapter = undefined;
    if (!adapter) return;
    this.#base.use(adapter, () => {
      const { attached, trained } = applyPlan(this.sam, adapter.plan, adapter.options);
      for (const value of trained.values()) value.requiresGrad = false;
      return attached;
    });
    this.#adapter = adapter;
  }

  /**
   * Makes the adapter in use part of the base for good.
   * @throws GraftError ADAPTER_NONE, ADAPTER_UNMERGEABLE
   */
  merge(): void {
    this.#base.merge();
    if (this.#adapter) {
      const { preprocessing, windows, profile } = this;
      Object.assign(this.#own, { preprocessing, windows, profile });
    }
    this.#adapter = undefined;
  }

  /** Writes the base with all that is needed to use it; it also serves as a foundation, as segment-anything's files do. */
  save(path: string, provenance: Record<string, string> = {}): void {
    const { sam, classes } = this;
    const { preprocessing, windows, profile } = this.#own;
    writeState(path, sam.state(), {
      ...provenance,
      format: 'graft-sam',
      architecture: JSON.stringify(sam.config),
      classes: JSON.stringify(classes),
      preprocessing: JSON.stringify(preprocessing),
      windows: JSON.stringify(windows),
      ...(profile && { profile: JSON.stringify(profile) }),
      ...(this.cornered && { cornered: 'true' }),
    });
  }

  dispose(): void {
    this.#base.clear();
    this.sam.dispose();
  }
}

/**
 * Makes fresh patch filters blind to a patch's mean and sensitive to its contrast. Images in [0, 1] differ in their means
 * far more than in what they show: with a convolution's usual values all tokens are nearly equal, and training from
 * scratch hardly sees the image for thousands of steps.
 */
function suitPatches(sam: Sam): void {
  const filters = sam.parameters().get('image_encoder.patch_embed.proj.weight') as Tensor; // [C, 3, 16, 16]
  // With this factor tokens of images whose deviation is about 0.15 have about unit variance.
  noGrad(() => scope(() => filters.copy_(filters.sub(filters.mean([2, 3], true)).mul(32))));
}

/** The preprocessing with the size of the model's images. @throws GraftError SAM_SLICE_SIZE */
function fitted(preprocessing: Preprocessing, side: number): Preprocessing {
  const { size } = preprocessing;
  if (size?.some((one) => one !== side))
    throw finetuneError('SAM_SLICE_SIZE', { found: size.join(' x '), expected: `${side} x ${side}` });
  return { ...preprocessing, size: [side, side], multiple: 16 };
}

const metadataSchema = z.object({
  format: z.literal('graft-sam'),
  architecture: jsonOf(samSchema),
  cornered: jsonOf(z.boolean()).optional(),
  ...preparationShape,
});

/**
 * Reads a model that `SamSegmenter.save` wrote.
 *
 * @throws GraftError SAM_FILE_UNKNOWN, STATE_MISSING, STATE_SHAPE, and what `readState` throws
 */
export function loadSam(path: string, { device = 'cpu' } = {}): SamSegmenter {
  const { state, metadata } = readState(path);
  const parts = parseMetadata(metadataSchema, metadata, (reason) =>
    finetuneError('SAM_FILE_UNKNOWN', { file: path, reason }),
  );
  const model = new SamSegmenter({ ...parts, device });
  model.sam.loadState(state, { file: path });
  disposeState(state);
  return model;
}
