/** A model of either kind with its adapter, for whoever has volumes to segment. */
import { loadAdapter, loadModel, segment } from '../adapt/index.js';
import type { Volume } from '../data/index.js';
import {
  loadSam,
  loadSamAdapter,
  type Prompt,
  type PromptedMask,
  segmentVolume,
  segmentWithPrompt,
} from '../finetune/index.js';
import { readState } from '../nn/index.js';

export interface Predictor {
  /** Names of the labels 1, 2, …; for a model that does not know them, `class 1` and so on. A prompt's mask has none. */
  classes: readonly string[];
  /** Labels on the volume's grid; undefined where the model answers prompts alone. */
  segment: ((volume: Volume) => Uint8Array) | undefined;
  /** Undefined where the model takes no prompts. */
  prompt: ((volume: Volume, prompt: Prompt) => PromptedMask) | undefined;
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
    return { classes: model.classNames, segment: (volume) => segment(model, volume), prompt: undefined };
  }
  const model = loadSam(file, { device });
  if (adapter) model.use(loadSamAdapter(adapter));
  return {
    classes: model.classes,
    segment: model.classes.length > 0 ? (volume) => segmentVolume(model, volume) : undefined,
    prompt: (volume, prompt) => segmentWithPrompt(model, volume, prompt),
  };
}
