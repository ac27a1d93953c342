/** A model of either kind with its adapter, for whoever has volumes to segment. */
import { loadAdapter, loadModel, type Segmentation, segmentWithPauses } from '../adapt/index.js';
import type { Pausing } from '../core/index.js';
import type { Volume } from '../data/index.js';
import {
  loadSam,
  loadSamAdapter,
  type Prompt,
  type PromptedMask,
  type SamSegmenter,
  segmentVolumeWithPauses,
  segmentWithPrompt,
} from '../finetune/index.js';
import { readState } from '../nn/index.js';

export interface Predictor {
  /** Names of the labels 1, 2, …; for a model that does not know them, `class 1` and so on. A prompt's mask has none. */
  classes: readonly string[];
  /** Labels on the volume's grid; undefined where the model answers prompts alone. */
  segment: ((volume: Volume) => Pausing<Segmentation>) | undefined;
  /** Undefined where the model takes no prompts. */
  prompt: ((volume: Volume, prompt: Prompt) => Pausing<PromptedMask>) | undefined;
}

/**
 * @param file a model that graft wrote
 * @param options.adapter a file made for it
 * @throws GraftError where a file is none or does not fit
 */
export function loadPredictor(file: string, { adapter, device }: { adapter?: string; device: string }): Predictor {
  const { state, metadata } = readState(file);
  for (const value of state.values()) value.dispose();
  if (metadata.format !== 'graft-sam') {
    const model = loadModel(file, { device });
    if (adapter) model.use(loadAdapter(adapter));
    return { classes: model.classNames, segment: (volume) => segmentWithPauses(model, volume), prompt: undefined };
  }
  const model = loadSam(file, { device });
  if (adapter) model.use(loadSamAdapter(adapter));
  return {
    classes: model.classes,
    segment: model.classes.length > 0 ? (volume) => segmentSam(model, volume) : undefined,
    prompt: (volume, prompt) => segmentWithPrompt(model, volume, prompt),
  };
}

function* segmentSam(model: SamSegmenter, volume: Volume): Pausing<Segmentation> {
  return { labels: yield* segmentVolumeWithPauses(model, volume) };
}
