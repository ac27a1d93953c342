/**
 * A model as a hospital uses it: the frozen base network with its early heads, the preprocessing it was trained with,
 * what was seen on its source domain, and at most one adapter in use.
 */
import { z } from 'zod';
import { type Preprocessing, type Profile, preprocessingSchema, profileSchema } from '../data/index.js';
import { EarlyHead, encoderBlocks, UNet2D, type UNet2DConfig, unet2dSchema } from '../networks/index.js';
import {
  Base,
  initialise,
  joinStates,
  jsonOf,
  parseMetadata,
  partOf,
  readState,
  type State,
  someNames,
  unwrap,
  writeState,
} from '../nn/index.js';
import { attachConvLora } from '../peft/index.js';
import type { Adapter } from './adapter.js';
import { classNamesSchema, unnamedClasses } from './class-names.js';
import { adaptError } from './errors.js';
import { type SourceReference, sourceReferenceSchema } from './reference.js';

interface Parts {
  architecture: UNet2DConfig;
  preprocessing: Preprocessing;
  /** Names of the classes without the background, one for each channel; default: `class 1` and so on. */
  classNames?: readonly string[] | undefined;
  /** Levels of the early heads; default: one after the deepest block, as in the reference code. */
  headLevels?: readonly number[];
  device?: string;
}

export class Segmenter {
  readonly network: UNet2D;
  readonly heads: ReadonlyMap<number, EarlyHead>;
  readonly preprocessing: Preprocessing;
  /** Names of the labels 1, 2, … */
  readonly classNames: readonly string[];
  readonly device: string;
  /** What the model's outputs look like on its source domain; absent until it was trained. */
  reference: SourceReference | undefined;
  /** What its source's images look like, and the answers to them; absent until it was trained, and in files of before. */
  profile: Profile | undefined;
  readonly #base: Base;

  /** @throws GraftError CLASS_NAMES */
  constructor({ architecture, preprocessing, classNames, headLevels = [3], device = 'cpu' }: Parts) {
    this.device = device;
    this.network = new UNet2D(architecture);
    this.heads = new Map(headLevels.map((level) => [level, new EarlyHead(level, architecture)]));
    this.preprocessing = preprocessing;
    this.classNames = classNames ?? unnamedClasses(architecture.outChannels);
    const { length: count } = this.classNames;
    if (count !== architecture.outChannels)
      throw adaptError('CLASS_NAMES', {
        ...{ channels: architecture.outChannels, count, names: this.classNames.join(', ') || 'none' },
      });
    this.#base = new Base(this.network);
    for (const module of [this.network, ...this.heads.values()]) module.to(device, 'channels_last');
  }

  /** Number of classes with the background. */
  get classes(): number {
    return this.network.config.outChannels + 1;
  }

  /** Fills network and heads with their initial values. */
  initialise(seed: number): void {
    initialise(this.network, seed, 'network');
    for (const [level, head] of this.heads) initialise(head, seed, `head${level}`);
  }

  /** Network and heads under the prefixes `network` and `head{L}`. */
  state(): State {
    const heads = [...this.heads].map(([level, head]) => [`head${level}`, head.state()] as const);
    return joinStates({ network: this.network.state(), ...Object.fromEntries(heads) }, '.');
  }

  loadState(state: State, file: string): void {
    this.network.loadState(partOf(state, 'network.'), { file });
    for (const [level, head] of this.heads) head.loadState(partOf(state, `head${level}.`), { file });
    this.#base.changed();
  }

  /** Identifies the base network's weights: adapters name the base they belong to. */
  get fingerprint(): string {
    return this.#base.fingerprint;
  }

  /**
   * Puts an adapter to use in place of the one in use; undefined: the base alone. The base is not loaded again.
   *
   * @throws GraftError ADAPTER_OTHER_BASE
   */
  use(adapter: Adapter | undefined): void {
    if (!adapter) this.#base.clear();
    else this.#base.use(adapter, () => adapter.lora && attachConvLora(this.network, adapter.lora.blocks, adapter.lora));
  }

  /**
   * Makes the adapter in use part of the base for good.
   * @throws GraftError ADAPTER_NONE
   */
  merge(): void {
    this.#base.merge();
  }

  /** Writes base, heads, preprocessing and reference to one safetensors file. */
  save(path: string, provenance: Record<string, string> = {}): void {
    const { network, preprocessing, classNames, reference, profile } = this;
    writeState(path, this.state(), {
      ...provenance,
      format: 'graft-model',
      architecture: JSON.stringify(network.config),
      heads: JSON.stringify([...this.heads.keys()]),
      classNames: JSON.stringify(classNames),
      preprocessing: JSON.stringify(preprocessing),
      ...(reference && { reference: JSON.stringify(reference) }),
      ...(profile && { profile: JSON.stringify(profile) }),
    });
  }

  dispose(): void {
    this.#base.clear();
    this.network.dispose();
    for (const head of this.heads.values()) head.dispose();
  }
}

const metadataSchema = z
  .object({
    format: z.literal('graft-model'),
    architecture: jsonOf(unet2dSchema),
    classNames: classNamesSchema,
    preprocessing: jsonOf(preprocessingSchema),
    heads: jsonOf(
      z.array(
        z
          .int()
          .min(0)
          .max(encoderBlocks.length - 1),
      ),
    ),
    reference: jsonOf(sourceReferenceSchema).optional(),
    profile: jsonOf(profileSchema).optional(),
  })
  .refine(({ architecture, classNames }) => !classNames || classNames.length === architecture.outChannels, {
    path: ['classNames'],
    message: 'are not as many as the network has channels',
  });

/**
 * Reads a model that `Segmenter.save` wrote, or a checkpoint of the reference code's U-Net, whose architecture its
 * shapes tell (it comes without early heads, and with the preprocessing given here).
 *
 * @throws GraftError MODEL_UNKNOWN, UNET_NAMES, CHECKPOINT_SEVERAL, STATE_…, and what `readState` throws
 */
export function loadModel(
  path: string,
  { preprocessing, device = 'cpu' }: { preprocessing?: Preprocessing; device?: string } = {},
): Segmenter {
  const { state, metadata } = readState(path);
  if (metadata.format === 'graft-model') {
    const { heads, reference, profile, ...parts } = parseMetadata(metadataSchema, metadata, (reason) =>
      adaptError('MODEL_UNKNOWN', { file: path, reason }),
    );
    const model = new Segmenter({ ...parts, headLevels: heads, device });
    model.loadState(state, path);
    model.reference = reference;
    model.profile = profile;
    return model;
  }
  if (metadata.format) throw adaptError('MODEL_UNKNOWN', { file: path, reason: `its format is "${metadata.format}"` });
  const own = unwrap(state, ends[0], path);
  const [first, last] = ends.map((name) => own?.get(name)?.shape);
  if (!own || first?.length !== 4 || last?.length !== 4)
    throw adaptError('UNET_NAMES', { file: path, expected: ends.join(', '), found: someNames(state.keys()) });
  const model = new Segmenter({
    architecture: { inChannels: first[1], outChannels: last[0], filters: first[0] },
    preprocessing: preprocessing ?? preprocessingSchema.parse({}),
    headLevels: [],
    device,
  });
  model.network.loadState(own, { file: path });
  return model;
}

/** The first and the last weight of the reference code's U-Net: their shapes tell its sizes. */
const ends = ['init_path.0.weight', 'out_path.1.layer.weight'];

/** The head that the guard listens to; undefined where the model has none. */
export const deepestHead = ({ heads }: Segmenter): EarlyHead | undefined => heads.get(Math.max(...heads.keys()));

/** The nearest early head at a level or deeper: its loss reaches every block up to there. @throws GraftError HEAD_MISSING */
export function headFor({ heads }: Segmenter, level: number, method: string): EarlyHead {
  const levels = [...heads.keys()].sort();
  const head = heads.get(levels.find((one) => one >= level) ?? -1);
  if (head) return head;
  const present = levels.map((one) => encoderBlocks[one]).join(', ');
  throw adaptError('HEAD_MISSING', { method, block: encoderBlocks[level], heads: present || 'none' });
}
