/** A model of either kind with its adapter: segments volumes and says what is doubtful about the labels. */
import { loadAdapter, loadModel, profileOfReference, Sureness, segmentWithPauses } from '../../adapt/index.js';
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
  ClassEntropy,
  finetuneError,
  loadPublishedSam,
  loadSam,
  loadSamAdapter,
  type Prompt,
  type PromptedMask,
  type SamSegmenter,
  type Scaling,
  segmentVolumeWithPauses,
  segmentWithPrompt,
} from '../../finetune/index.js';
import { patchEmbedding } from '../../networks/index.js';
import { disposeState, readState, unwrap } from '../../nn/index.js';

/** The answer to one volume; to a prompt also the slice it is about, and how sure the model is. */
export interface Answer extends Partial<Omit<PromptedMask, 'labels'>> {
  /** uint8 [z, y, x] on the volume's RAS grid */
  labels: Uint8Array;
  /** Of each class. */
  volumesMl: readonly number[];
  /** What is not as on the model's source, with the numbers. */
  warnings: string[];
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
}

interface PredictorOptions {
  /** A file made for the model. */
  adapter?: string;
  /** How a published checkpoint of Segment Anything expects its images. */
  scaling?: Scaling | undefined;
  device: string;
}

/**
 * @param file a model that graft wrote, or a checkpoint of the reference U-Net, segment-anything or MedSAM
 * @throws GraftError SAM_SCALING, SAM_SCALED; where a file is none or does not fit
 */
export function loadPredictor(file: string, { adapter, scaling, device }: PredictorOptions): Predictor {
  const { state, metadata } = readState(file);
  const published = !metadata.format && unwrap(state, patchEmbedding, file) !== undefined;
  disposeState(state);
  if (published && !scaling) throw finetuneError('SAM_SCALING', { file });
  if (!published && scaling) throw finetuneError('SAM_SCALED', { file });
  if (published) return samPredictor(loadPublishedSam(file, scaling!, { device }), adapter);
  return metadata.format === 'graft-sam'
    ? samPredictor(loadSam(file, { device }), adapter)
    : unetPredictor(file, adapter, device);
}

function unetPredictor(file: string, adapterFile: string | undefined, device: string): Predictor {
  const model = loadModel(file, { device });
  const adapter = adapterFile === undefined ? undefined : loadAdapter(adapterFile);
  if (adapter) model.use(adapter);
  const profile = adapter?.profile ?? model.profile ?? (model.reference && profileOfReference(model.reference));
  const { classNames: classes } = model;
  return {
    classes,
    *segment(volume, known) {
      const sureness = new Sureness();
      const labels = yield* segmentWithPauses(model, volume, { sureness });
      const { entropy, heads } = sureness;
      const { intensity } = model.preprocessing;
      return judged(labels, volume, { ...known, entropy, heads }, { profile, classes, intensity });
    },
    prompt: undefined,
    unchecked: uncheckedOf(profile),
  };
}

function samPredictor(model: SamSegmenter, adapter: string | undefined): Predictor {
  if (adapter !== undefined) model.use(loadSamAdapter(adapter));
  const { classes, profile } = model;
  const { intensity } = model.preprocessing;
  const ask: Segment = function* (volume, known) {
    const entropy = new ClassEntropy(classes.length + 1, model.sam.config.imageSize ** 2);
    const watch = (probabilities: Float32Array) => entropy.add(probabilities);
    const labels = yield* segmentVolumeWithPauses(model, volume, { watch });
    return judged(labels, volume, { ...known, entropy: entropy.value }, { profile, classes, intensity });
  };
  return {
    classes,
    segment: classes.length > 0 ? ask : undefined,
    *prompt(volume, prompt) {
      const { labels, ...more } = yield* segmentWithPrompt(model, volume, prompt);
      // One slice is nothing to compare with whole volumes.
      const names = classes.length > 0 ? classes : ['prompted'];
      return { ...judged(labels, volume, {}, { profile: undefined, classes: names, intensity }), ...more };
    },
    unchecked: uncheckedOf(profile),
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
