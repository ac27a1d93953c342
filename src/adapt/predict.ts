/** Segmenting a volume: the same preprocessing as in training, masks on the volume's own grid. */
import { type Pausing, pause, withoutPauses } from '../core/index.js';
import {
  type Case,
  preparationOf,
  preprocessingOf,
  RestoredLabels,
  sourceOfVolume,
  type Volume,
} from '../data/index.js';
import { runNetwork, type Sureness } from './observe.js';
import { deepestHead, type Segmenter } from './segmenter.js';

export interface VolumeOptions {
  /** The case that the volume is of, where its data set may fix a part of the preprocessing. */
  case?: Pick<Case, 'preprocessing'>;
  /** Takes in how sure the model is; the early head is asked, too, then. */
  sureness?: Sureness;
}

/**
 * Segments a volume with the model and the adapter in use: at each voxel the class with the largest probability, 0 where
 * none exceeds one half. A batch of slices at a time is prepared, predicted and brought to the grid; beside the volume
 * and its labels no more than that is held.
 *
 * @returns uint8 [z, y, x] labels on the volume's RAS grid (`writeMask` brings them to the file's own)
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function* segmentWithPauses(
  model: Segmenter,
  volume: Volume,
  { case: one = {}, sureness }: VolumeOptions = {},
): Pausing<Uint8Array> {
  const preparation = yield* preparationOf(volume, preprocessingOf(one, model.preprocessing));
  const restored = new RestoredLabels(preparation.geometry, { channels: model.classes - 1, background: 'half' });
  for (const output of runNetwork(model, sourceOfVolume(preparation), sureness && deepestHead(model))) {
    restored.add(output.probabilities, output.start);
    sureness?.add(output);
    yield pause;
  }
  return restored.labels;
}

/** `segmentWithPauses` in one go. */
export const segment = (model: Segmenter, volume: Volume, one: Pick<Case, 'preprocessing'> = {}): Uint8Array =>
  withoutPauses(segmentWithPauses(model, volume, { case: one }));
