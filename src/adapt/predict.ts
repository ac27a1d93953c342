/** Segmenting a volume: the same preprocessing as in training, masks on the volume's own grid. */
import { type Pausing, pause, withoutPauses } from '../core/index.js';
import {
  type Case,
  preparationOf,
  preprocessingOf,
  RestoredLabels,
  sliceSpacing,
  sourceOfVolume,
  type Volume,
} from '../data/index.js';
import { type Observation, runNetwork, Sight } from './observe.js';
import { deepestHead, type Segmenter } from './segmenter.js';

export interface VolumeOptions {
  /** The case that the volume is of, where its data set may fix a part of the preprocessing. */
  case?: Pick<Case, 'preprocessing'>;
  /** Asks for what the guard would see; the surface Dice of the two heads takes this tolerance. */
  observe?: { toleranceMm: number };
}

export interface Segmentation {
  /** uint8 [z, y, x] on the volume's RAS grid (`writeMask` brings them to the file's own). */
  labels: Uint8Array;
  /** Where it was asked for and the model has an early head: on the prepared slices, as the source's reference is. */
  observation?: Observation;
}

/**
 * Segments a volume with the model and the adapter in use: at each voxel the class with the largest probability, 0 where
 * none exceeds one half. A batch of slices at a time is prepared, predicted and brought to the grid; beside the volume
 * and its labels no more than that is held (with `observe` also the masks of both heads, a byte a pixel).
 *
 * @throws GraftError VOLUME_CONSTANT, SLICES_TOO_LARGE, SLICES_OUTSIDE
 */
export function* segmentWithPauses(
  model: Segmenter,
  volume: Volume,
  { case: one = {}, observe }: VolumeOptions = {},
): Pausing<Segmentation> {
  const preparation = yield* preparationOf(volume, preprocessingOf(one, model.preprocessing));
  const { geometry } = preparation;
  const channels = model.classes - 1;
  const restored = new RestoredLabels(geometry, { channels, background: 'half' });
  const head = observe && deepestHead(model);
  const sight = head && new Sight(geometry.shape, channels);
  for (const output of runNetwork(model, sourceOfVolume(preparation), head)) {
    restored.add(output.probabilities, output.start);
    sight?.add(output);
    yield pause;
  }
  const { labels } = restored;
  if (!sight) return { labels };
  return {
    labels,
    observation: yield* sight.observation(sliceSpacing(volume.spacing, geometry), observe!.toleranceMm),
  };
}

/** The labels of `segmentWithPauses`, in one go. */
export const segment = (model: Segmenter, volume: Volume, one: Pick<Case, 'preprocessing'> = {}): Uint8Array =>
  withoutPauses(segmentWithPauses(model, volume, { case: one })).labels;
