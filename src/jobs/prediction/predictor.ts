/** A model with its adapter: segments volumes and says what is doubtful about the labels. */
import type { Pausing } from '../../core/index.js';
import {
  doubtsOf,
  type Intensity,
  maskFacts,
  type Profile,
  scanFacts,
  uncheckedOf,
  type Volume,
} from '../../data/index.js';
import {
  loadAdapter,
  loadSegmenter,
  type Prompt,
  type PromptedMask,
  profileOfReference,
  type Segmenter,
  Sureness,
  segmentVolumeWithPauses,
  segmentWithPrompt,
} from '../../segmenter/index.js';

/** The answer to one volume; to a prompt also the slice it is about, and how sure the model is. */
export interface Answer extends Partial<Omit<PromptedMask, 'labels'>> {
  /** uint8 [z, y, x] on the volume's RAS grid */
  labels: Uint8Array;
  /** Of each class. */
  volumesMl: readonly number[];
  /** What is not as on the model's source, with the numbers. */
  warnings: string[];
  /** How unsure the model is, in bits per segmented voxel; absent from answers to prompts. */
  entropy?: number;
}

/** What is known of a volume beside its voxels. */
export interface Known {
  /** DICOM's word, such as MR. */
  modality: string | undefined;
}

export type Segment = (volume: Volume, known: Known) => Pausing<Answer>;

export interface Predictor {
  /** Names of the labels 1, 2, …; for a model that does not know them, `class 1` and so on. A prompt's mask has none. */
  classes: readonly string[];
  /** Undefined where the model answers prompts alone. */
  segment: Segment | undefined;
  /** Undefined where the model takes no prompts. */
  prompt: ((volume: Volume, prompt: Prompt) => Pausing<Answer>) | undefined;
  /** What of a volume cannot be compared with the model's source, since its file does not tell. */
  unchecked: string[];
  /** What a reader should know of what was taken from another program's file or folder. */
  remark: string | undefined;
}

interface PredictorOptions {
  /** A file made for the model. */
  adapter?: string;
  /** How a checkpoint of another program expects its images, where its family asks for it. */
  scaling?: string | undefined;
  device: string;
}

/**
 * Loads a model, and perhaps an adapter, as a function from a volume to labels, volumes of the classes in ml, and
 * warnings where the image or the labels are unlike those of the model's source.
 *
 * @param file a model that graft wrote, or one of another program that a family of networks knows
 * @param options.device as `chooseDevice` gives it
 * @throws GraftError as `loadSegmenter` and `loadAdapter`; ADAPTER_OTHER_BASE, ADAPTER_OTHER_FAMILY
 */
export function loadPredictor(file: string, { adapter, scaling, device }: PredictorOptions): Predictor {
  const model = loadSegmenter(file, { scaling, device });
  if (adapter !== undefined) model.use(loadAdapter(adapter));
  return predictorOf(model);
}

/** The same of a model that is loaded, as long as its adapter stays in use. */
export function predictorOf(model: Segmenter): Predictor {
  const { classes, network } = model;
  const profile = model.profile ?? (model.reference && profileOfReference(model.reference));
  const { intensity } = model.preprocessing;
  const ask: Segment = function* (volume, known) {
    const sureness = new Sureness(network, model.maps);
    const labels = yield* segmentVolumeWithPauses(model, volume, { sureness });
    const { entropy, heads } = sureness;
    return { ...judged(labels, volume, { ...known, entropy, heads }, { profile, classes, intensity }), entropy };
  };
  const prompt: Predictor['prompt'] = function* (volume, asked) {
    const { labels, ...more } = yield* segmentWithPrompt(model, volume, asked);
    // One slice is nothing to compare with whole volumes.
    const names = classes.length > 0 ? classes : ['prompted'];
    return { ...judged(labels, volume, {}, { profile: undefined, classes: names, intensity }), ...more };
  };
  return {
    classes,
    segment: classes.length > 0 ? ask : undefined,
    prompt: network.prompted ? prompt : undefined,
    unchecked: uncheckedOf(profile),
    remark: model.remark,
  };
}

interface Standard {
  profile: Profile | undefined;
  classes: readonly string[];
  intensity: Intensity;
}

/** Compares the answer to a volume with what the model's source looks like. */
function judged(
  labels: Uint8Array,
  volume: Volume,
  sure: Partial<Known> & { entropy?: number; heads?: number | undefined },
  { profile, ...options }: Standard,
): Answer {
  const mask = maskFacts(labels, volume.shape, volume.spacing, options.classes.length);
  const doubts = doubtsOf({ ...scanFacts(volume), ...mask, ...sure }, profile, options);
  return { labels, volumesMl: mask.volumesMl, warnings: doubts.map(({ text }) => text) };
}
