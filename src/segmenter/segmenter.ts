/**
 * A model as a hospital uses it: a frozen network of any family with its early heads, the classes it names, how volumes
 * become its images, what was seen on its source domain, and at most one adapter in use.
 */
import { type Preprocessing, type Profile, preprocessingSchema, type WindowConfig } from '../data/index.js';
import {
  type EarlyHead,
  type NetworkFamily,
  type Preparation,
  type SegmentationNetwork,
  unnamedClasses,
} from '../networks/index.js';
import { Base, initialiseModule, joinStates, partOf, type State } from '../nn/index.js';
import { type Attached, attachPlan } from '../peft/index.js';
import { type Adapter, planOf } from './adapter.js';
import { segmenterError } from './errors.js';
import type { SourceReference } from './reference.js';

export interface SegmenterParts {
  family: NetworkFamily;
  /** The network's, as the family's schema reads it. */
  config: unknown;
  /** Names of the labels 1, 2, …, one for each of the network's classes; default: `class 1` and so on. */
  classes?: readonly string[] | undefined;
  /** Default: the data's defaults with the family's windows. A size is not needed where the network has its own. */
  preparation?: Partial<Preparation> | undefined;
  /** Levels of the early heads; default: the family's. */
  heads?: readonly number[] | undefined;
  device?: string;
}

/**
 * A frozen network of any family with its early heads, class names and preparation, and at most one adapter in use.
 * `loadSegmenter` and `trainModel` give one; `new Segmenter({ family, config })` makes one whose weights `initialise` fills.
 * Its tensors are freed by `dispose` or `using`.
 */
export class Segmenter implements Disposable {
  readonly family: NetworkFamily;
  readonly config: unknown;
  readonly network: SegmentationNetwork;
  /** By the encoder block that they read. */
  readonly heads: ReadonlyMap<number, EarlyHead>;
  /** Names of the labels 1, 2, …; none where the network answers prompts alone. */
  readonly classes: readonly string[];
  readonly device: string;
  /** What the model's outputs look like on its source domain; absent where it was not trained there. */
  reference: SourceReference | undefined;
  /** What a reader should know of what was taken from another program's file or folder. */
  remark: string | undefined;
  #preparation: Preparation;
  #profile: Profile | undefined;
  readonly #base: Base;
  #adapter: Adapter | undefined;
  #attached: Attached | undefined;

  /** @throws GraftError CLASS_NAMES, SLICE_SIZE, and as the family's `build` */
  constructor({ family, config, classes, preparation = {}, heads, device = 'cpu' }: SegmenterParts) {
    this.family = family;
    this.config = config;
    this.device = device;
    this.network = family.build(config);
    this.heads = new Map((family.heads?.(this.network, heads) ?? []).map((head) => [head.level, head]));
    const { classes: channels } = this.network;
    this.classes = classes ?? unnamedClasses(channels);
    const { length: count } = this.classes;
    if (count !== channels)
      throw segmenterError('CLASS_NAMES', { channels, count, names: this.classes.join(', ') || 'none' });
    const { preprocessing = preprocessingSchema.parse({}), windows = family.windows } = preparation;
    this.#preparation = preparationIn({
      ...preparation,
      ...{ preprocessing: fitted(preprocessing, this.network), windows },
    });
    this.#base = new Base(this.network);
    for (const module of [this.network, ...this.heads.values()]) module.to(device, this.network.memoryFormat);
  }

  /** How volumes become images: the adapter's way where one is in use. */
  get preparation(): Preparation {
    return preparationIn(this.#adapter ?? this.#preparation);
  }
  get preprocessing(): Preprocessing {
    return this.preparation.preprocessing;
  }
  get windows(): WindowConfig {
    return this.preparation.windows;
  }
  /** What the images that it was trained on look like, and the answers to them; the adapter's where one is in use. */
  get profile(): Profile | undefined {
    return this.#adapter?.profile ?? this.#profile;
  }
  /** Sets the model's own. */
  set profile(profile: Profile | undefined) {
    this.#profile = profile;
  }
  /** Maps that the network gives for an image: the background's among them where it has one. */
  get maps(): number {
    return this.classes.length + (this.network.background === 'channel' ? 1 : 0);
  }

  /** Fills network and heads with their initial values; what a foundation has replaces them. */
  initialise(seed: number): void {
    this.family.initialise(this.network, seed);
    for (const [level, head] of this.heads) initialiseModule(head, seed, `head${level}`);
    this.#base.changed();
  }

  /** Network and heads under the prefixes `network` and `head{L}`. */
  state(): State {
    const heads = [...this.heads].map(([level, head]) => [`head${level}`, head.state()] as const);
    return joinStates({ network: this.network.state(), ...Object.fromEntries(heads) }, '.');
  }

  /** @throws GraftError as `Module.loadState` */
  loadState(state: State, file: string): void {
    this.network.loadState(partOf(state, 'network.'), { file });
    for (const [level, head] of this.heads) head.loadState(partOf(state, `head${level}.`), { file });
    this.#base.changed();
  }

  /** Fills the network with weights of another origin. @param load copies them in */
  fill<Result>(load: (network: SegmentationNetwork) => Result): Result {
    const result = load(this.network);
    this.#base.changed();
    return result;
  }

  /** Identifies the base network's weights: adapters name the base they belong to. */
  get fingerprint(): string {
    return this.#base.fingerprint;
  }

  /**
   * Puts an adapter to use in place of the one in use; undefined: the base alone, as after an error. The base is not loaded
   * again.
   *
   * @throws GraftError ADAPTER_OTHER_FAMILY, ADAPTER_OTHER_BASE, and as `Module.loadState`
   */
  use(adapter: Adapter | undefined): void {
    this.#base.clear();
    this.#adapter = undefined;
    this.#attached = undefined;
    if (!adapter) return;
    const { family } = this;
    if (adapter.family !== family.name)
      throw segmenterError('ADAPTER_OTHER_FAMILY', {
        ...{ file: adapter.name, expected: adapter.family, found: family.name },
      });
    let attached: Attached | undefined;
    this.#base.use(adapter, () => {
      const options = family.adapter.parse(adapter.options);
      attached = attachPlan(this.network, planOf(family, adapter.method)!, options);
      return attached;
    });
    this.#adapter = adapter;
    this.#attached = attached;
  }

  /**
   * Makes the adapter in use part of the base for good.
   * @throws GraftError ADAPTER_NONE, ADAPTER_UNMERGEABLE
   */
  merge(): void {
    this.#base.merge();
    this.#preparation = this.preparation;
    this.#profile = this.profile;
    this.#adapter = undefined;
    this.#attached = undefined;
  }

  /** The adapter in use, and what it put into the network, where its method attaches something. */
  get inUse(): { adapter: Adapter; attached: Attached | undefined } | undefined {
    return this.#adapter && { adapter: this.#adapter, attached: this.#attached };
  }

  /** The model's own preparation and profile, whatever is in use. */
  get own(): Preparation & { profile?: Profile | undefined } {
    return { ...this.#preparation, profile: this.#profile };
  }

  dispose(): void {
    this.#base.clear();
    this.network.dispose();
    for (const head of this.heads.values()) head.dispose();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The preparation alone of what has one. */
const preparationIn = ({ preprocessing, windows, postprocessing, cornered }: Preparation): Preparation => ({
  ...{ preprocessing, windows },
  ...(postprocessing && { postprocessing }),
  ...(cornered && { cornered }),
});

/** The preprocessing with the size of the network's images, where it takes one size only. @throws GraftError SLICE_SIZE */
function fitted(preprocessing: Preprocessing, { input: { side, multiple } }: SegmentationNetwork): Preprocessing {
  if (side === undefined) return preprocessing;
  const { size } = preprocessing;
  if (size?.some((one) => one !== side))
    throw segmenterError('SLICE_SIZE', { found: size.join(' x '), expected: `${side} x ${side}` });
  return { ...preprocessing, size: [side, side], multiple };
}
