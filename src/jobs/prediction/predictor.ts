/** A model with an adapter, or with several to choose from: segments volumes and says what is doubtful about the labels. */
import type { Pausing } from '../../core/index.js';
import {
  doubtsOf,
  type Intensity,
  maskFacts,
  type Profile,
  type ScanTags,
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
import { likeliest, Router, type Routing, type RoutingOptions } from './routing.js';

/** The answer to one volume; to a prompt also the slice it is about, and how sure the model is. */
export interface Answer extends Partial<Omit<PromptedMask, 'labels'>> {
  /** uint8 [z, y, x] on the volume's RAS grid */
  labels: Uint8Array;
  /** Of each class. */
  volumesMl: readonly number[];
  /** With which adapter, where that was chosen for the volume. */
  routing?: Routing;
  /** What is not as on the model's source, with the numbers. */
  warnings: string[];
  /** How unsure the model is, in bits per segmented voxel; absent from answers to prompts. */
  entropy?: number;
}

/** @param tags what the volume's file says beside its voxels */
export type Segment = (volume: Volume, tags: ScanTags) => Pausing<Answer>;

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
  adapter?: string | undefined;
  /** Adapters of which each volume's is chosen, in place of one for all. */
  adapters?: RoutingOptions | undefined;
  /** How a checkpoint of another program expects its images, where its family asks for it. */
  scaling?: string | undefined;
  device: string;
}

/**
 * Loads a model, and perhaps an adapter or several, as a function from a volume to labels, volumes of the classes in ml, and
 * warnings where the image or the labels are unlike those of the model's source.
 *
 * @param file a model that graft wrote, or one of another program that a family of networks knows
 * @param options.device as `chooseDevice` gives it
 * @throws GraftError as `loadSegmenter` and `loadAdapter`; ADAPTER_OTHER_BASE, ADAPTER_OTHER_FAMILY; with several adapters as `Router`
 */
export function loadPredictor(file: string, { adapter, adapters, scaling, device }: PredictorOptions): Predictor {
  const model = loadSegmenter(file, { scaling, device });
  const router = adapters && new Router(model, adapters);
  if (adapter !== undefined) model.use(loadAdapter(adapter));
  return predictorOf(model, router);
}

/** The same of a model that is loaded, as long as its adapter stays in use; or with the one that the router chooses. */
export function predictorOf(model: Segmenter, router?: Router): Predictor {
  const { classes, network } = model;
  const profileInUse = () => model.profile ?? (model.reference && profileOfReference(model.reference));
  const ask: Segment = function* (volume, tags) {
    const routing = router && (yield* router.route(volume, tags));
    const { intensity } = model.preprocessing;
    const sureness = new Sureness(network, model.maps);
    const labels = yield* segmentVolumeWithPauses(model, volume, { sureness });
    const { entropy, heads } = sureness;
    const sure = { modality: tags.modality, entropy, heads };
    const answer = judged(labels, volume, sure, { profile: profileInUse(), classes, intensity });
    if (!routing) return { ...answer, entropy };
    const doubts = routing.unsure ? [`no adapter is sure enough to be the right one (${likeliest(routing)})`] : [];
    return { ...answer, entropy, routing, warnings: [...doubts, ...answer.warnings] };
  };
  const prompt: Predictor['prompt'] = function* (volume, asked) {
    const { labels, ...more } = yield* segmentWithPrompt(model, volume, asked);
    // One slice is nothing to compare with whole volumes.
    const names = classes.length > 0 ? classes : ['prompted'];
    const { intensity } = model.preprocessing;
    return { ...judged(labels, volume, {}, { profile: undefined, classes: names, intensity }), ...more };
  };
  return {
    classes,
    segment: classes.length > 0 ? ask : undefined,
    prompt: network.prompted ? prompt : undefined,
    unchecked: uncheckedOf(profileInUse()),
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
  sure: { modality?: string | undefined; entropy?: number; heads?: number | undefined },
  { profile, ...options }: Standard,
): Answer {
  const mask = maskFacts(labels, volume.shape, volume.spacing, options.classes.length);
  const doubts = doubtsOf({ ...scanFacts(volume), ...mask, ...sure }, profile, options);
  return { labels, volumesMl: mask.volumesMl, warnings: doubts.map(({ text }) => text) };
}
