/**
 * What the rest of graft knows of a network that segments. A family is a folder beside this file with an architecture, its
 * sizes, what may be trained of it and how checkpoints of other programs are read; `registry.ts` lists the families.
 */
import type { z } from 'zod';
import type { ErrorTable } from '../core/index.js';
import type { Postprocessing, Preprocessing, WindowConfig } from '../data/index.js';
import type { Module, State } from '../nn/index.js';
import type { StatisticsPolicy, TrainingPlan } from '../peft/index.js';
import type { Tensor } from '../torch/index.js';

/**
 * A network that turns images float32 [B, channels, H, W] into logits [B, C, H, W].
 *
 * @template Features what the encoder makes of images: for the decoder and the early heads alone
 */
// biome-ignore lint/suspicious/noExplicitAny: features pass through hands that do not look at them
export interface SegmentationNetwork<Features = any> extends Module {
  /** `side`: the only height and width that it takes; otherwise both are multiples of `multiple`. */
  readonly input: { readonly channels: number; readonly multiple: number; readonly side?: number };
  /** Classes that it segments beside the background; 0 where it answers prompts alone. */
  readonly classes: number;
  /**
   * `channel`: the first of C = classes + 1 maps is the background, and the largest wins. `half`: C = classes maps; the
   * background wins where none exceeds one half.
   */
  readonly background: 'channel' | 'half';
  /** How the weights of convolutions lie: the faster way for this network. Results differ by rounding. */
  readonly memoryFormat: 'contiguous' | 'channels_last';
  /** @param images float32 [B, channels, H, W] @param levels for an early head: how many blocks to run; default: all */
  encode(images: Tensor, levels?: number): Features;
  /** @param features of all blocks @returns logits [B, C, H, W] */
  logits(features: Features): Tensor;
  /** Stages of the encoder, of which activations can be computed twice instead of being kept. */
  readonly stages?: EncoderStages;
  /** Masks for prompts, of a network that takes them. @param features of `encode` */
  prompted?(features: Features, prompts: Prompts): PromptedPrediction;
  /**
   * Fills what lies outside an image as the network's own program does, in place.
   * @param images float32 [B, channels, H, W] @param shown rows and columns that the image has
   */
  pad?(images: Tensor, shown: readonly [number, number]): Tensor;
  /**
   * Probabilities of whole slices, of a network that sees them in pieces or several times over; default: `logits` of
   * `encode`, through softmax or sigmoid as the background says.
   *
   * @param images float32 [B, channels, H, W] @returns float32 [B, C, H, W]
   */
  predict?(images: Tensor): Tensor;
}

/** The encoder as a chain; its last output is what `encode` gives. */
export interface EncoderStages {
  readonly chain: readonly ((x: Tensor) => Tensor)[];
  /** The stage that a parameter belongs to; undefined: it lies behind the encoder. */
  stageOf(name: string): number | undefined;
}

/**
 * Segments from the encoder's features without most of the decoder, so that a loss against the whole network's prediction
 * reaches the encoder on a short way.
 */
// biome-ignore lint/suspicious/noExplicitAny: as above
export interface EarlyHead<Features = any> extends Module {
  /** Which of the family's encoder blocks it reads; a loss on it trains that one and those before. */
  readonly level: number;
  /** @param features of `encode`, at least `level + 1` blocks @returns logits [B, C, H, W] */
  read(features: Features): Tensor;
  /** Adds to the logits. @param values one for each map */
  shift(values: readonly number[]): void;
}

/** What is asked for, for B masks at once; every part may be absent. */
export interface Prompts {
  /** Places in the image. */
  points?: {
    /** float32 [B, N, 2], (x, y) in pixels of the model's image, the first pixel's centre at 0 */
    places: Tensor;
    /** int64 [B, N]: 1 inside the object, 0 outside, -1 no point (to fill up rows of different lengths) */
    labels: Tensor;
  };
  /** float32 [B, 4], (x0, y0, x1, y1) in pixels of the model's image */
  boxes?: Tensor;
  /** float32 [B, 1, H/4, W/4], logits, usually those of an earlier prediction */
  masks?: Tensor;
}

export interface PromptedPrediction {
  /**
   * float32 [B, masks, H, W]; above 0 is inside. Of several masks for one object, the first is for prompts that say clearly
   * what is meant, the others are suggestions for prompts that do not.
   */
  logits: Tensor;
  /** float32 [B, masks]: how well each is thought to overlap the object */
  iou: Tensor;
  /** The decoder's own resolution, which can be given back as a prompt's mask. */
  lowResolution: Tensor;
}

/** A plan that can be learned from images without labels. */
// biome-ignore lint/suspicious/noExplicitAny: families with different options stand in one table
export interface AdaptationMethod<Options = any> extends TrainingPlan<Options> {
  /**
   * `consistency`: an early head is pulled towards the network's own prediction; `self-training`: the network towards its
   * own thresholded prediction; `pseudo-labels`: on changed slices towards what the source model predicted on the slices as
   * they are; `none`: nothing is trained.
   */
  readonly objective: 'none' | 'self-training' | 'consistency' | 'pseudo-labels';
  /** Blocks that are adapted where nothing else is asked for. */
  readonly blocks: readonly string[];
  /** Where the statistics of batch normalisation come from where nothing else is asked for. */
  readonly statistics: StatisticsPolicy;
  /** Passes over the target set in training where nothing else is asked for. */
  readonly epochs: number;
  /** Learning rate of Adam, the highest where it falls, where nothing else is asked for. */
  readonly lr: number;
}

/** How volumes become a network's images. */
export interface Preparation {
  preprocessing: Preprocessing;
  windows: WindowConfig;
  /** What is done to masks; absent: nothing. */
  postprocessing?: Postprocessing | undefined;
  /** Slices keep their sides' ratio and lie in the upper left corner: for prompts alone. */
  cornered?: boolean | undefined;
}

/** A model of another program, read as far as its configuration. */
export interface ForeignModel<Config = unknown> {
  config: Config;
  /** Names of the labels 1, 2, …, where the program kept them. */
  classes?: readonly string[];
  preparation?: Preparation;
  /** Levels of the early heads that it comes with; default: none. */
  heads?: readonly number[];
  /** What a reader should know of what was taken from the file or folder: which of several networks, say. */
  remark?: string;
  /** Copies the weights in. @param heads those at `heads` */
  load(network: SegmentationNetwork, heads: readonly EarlyHead[]): void;
}

export interface ForeignOptions {
  /** How the checkpoint expects its images, one of the family's `scalings`. */
  scaling?: string | undefined;
}

/** What became of a foundation's tensors and of the model's, by name. */
export interface FoundationReport {
  /** taken as they are */
  loaded: string[];
  /** tables of positions that were resized to the model's image size */
  resized: string[];
  /** the model's tensors that the checkpoint had nothing for; they keep the values they had */
  fresh: string[];
  /** the checkpoint's tensors that the model has no place for */
  unused: string[];
}

/**
 * A family of networks: its architecture and sizes, what may be trained of it, and how checkpoints of other programs are
 * read. `networkFamilies` has those that graft knows; one of your own is an object of this shape.
 */
// biome-ignore lint/suspicious/noExplicitAny: families with different configurations stand in one table
export interface NetworkFamily<Config = any> {
  readonly name: string;
  /** In words, at the beginning of a sentence. */
  readonly title: string;
  /** A network's configuration, as model files keep it. */
  readonly config: z.ZodType<Config>;
  /** The settings that a user may choose beside a named size, with their defaults. */
  readonly settings: z.ZodObject;
  /** Sizes that have names. */
  readonly sizes: readonly string[];
  /** Slices that the network sees together where nothing else is asked for. */
  readonly windows: WindowConfig;
  /** Options of all adapters of the family; each plan takes those that it has. */
  readonly adapter: z.ZodType;
  /** What may be trained with labels, and exchanged between sites. */
  readonly plans: Readonly<Record<string, TrainingPlan>>;
  /** The plan where nothing else is asked for. */
  readonly defaultPlan: string;
  /** What may be trained without labels; empty where nothing may. */
  readonly methods: Readonly<Record<string, AdaptationMethod>>;
  /** The method where nothing else is asked for; absent where there are none. */
  readonly defaultMethod?: string;
  /** Parts of the network that methods adapt: the encoder's from the image downwards, then the others. */
  readonly blocks: { readonly encoder: readonly string[]; readonly decoder: readonly string[] };

  /** @param size one of `sizes` @param classes beside the background; 0: for prompts alone @throws GraftError */
  configure(size: string, classes: number, settings?: Record<string, unknown>): Config;
  /** @throws GraftError where the configuration does not fit together */
  build(config: Config): SegmentationNetwork;
  /** Fills a network with the values that training starts from. */
  initialise(network: SegmentationNetwork, seed: number): void;
  /** Early heads at these levels; absent where the family has none. @param levels default: the deepest */
  heads?(network: SegmentationNetwork, levels?: readonly number[]): EarlyHead[];
  /**
   * Takes a pretrained network's weights as far as they fit; absent where there are no foundations.
   * @throws GraftError where the file is of another network
   */
  loadFoundation?(network: SegmentationNetwork, file: string): FoundationReport;
  /** A tensor that only these networks have: checkpoints are known by it. */
  readonly landmark: string;
  /** How checkpoints of other programs may expect their images, which their files do not say. */
  readonly scalings?: readonly string[];
  /**
   * A model that another program wrote; undefined where the file is none of this family.
   *
   * @param state the file's tensors; undefined where `path` is a folder
   * @throws GraftError where it is, but cannot be used
   */
  foreign?(path: string, state: State | undefined, options: ForeignOptions): ForeignModel<Config> | undefined;
  /** Metadata of files that versions with a format for each family wrote, as they are today; undefined: not of this family. */
  readonly earlier?: {
    model(metadata: Metadata): Metadata | undefined;
    adapter(metadata: Metadata): Metadata | undefined;
  };
  /** What its own code refuses, for the documentation. */
  readonly errors?: ErrorTable;
  /** What its paper counts, where parameters are counted and nothing else is asked for. */
  readonly published: { readonly classes: number; readonly settings: Readonly<Record<string, unknown>> };
  /** What a reader should know of this configuration's size. */
  remark?(config: Config): string | undefined;
  /** For a report: `residual 2D U-Net, 16 filters`. */
  describe(config: Config): string;
}

type Metadata = Record<string, string>;

/** What classes are called where nothing says their names. */
export const unnamedClasses = (count: number): string[] => Array.from({ length: count }, (_, i) => `class ${i + 1}`);
