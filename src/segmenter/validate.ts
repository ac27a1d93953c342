/** How well a model segments labelled cases, on the slices as they are prepared. */
import { type Pausing, pause } from '../core/index.js';
import { type CaseSlices, ignored, sourceOfTensor } from '../data/index.js';
import { dice } from '../metrics/index.js';
import type { SegmentationNetwork } from '../networks/index.js';
import { cat, full, scope, type Tensor } from '../torch/index.js';
import { type PredictionOptions, predictSlices } from './predict.js';
import type { Segmenter } from './segmenter.js';

export interface Validation {
  /** Mean of the classes. */
  dice: number;
  /** Mean of the cases, by class. */
  classes: Record<string, number>;
  /** Mean of a site's cases and of the classes. */
  sites: Record<string, number>;
}

/**
 * Dice of every class in every case (1 where it is neither there nor predicted), averaged over the cases, then over the
 * classes.
 *
 * @param cases labelled, at least one
 */
export function* validate(
  model: Segmenter,
  cases: readonly CaseSlices[],
  options: PredictionOptions = {},
): Pausing<Validation> {
  const scores = model.classes.map(() => 0);
  const bySite = new Map<string, number[]>();
  for (const { case: one, images, labels } of cases) {
    const predicted = new Uint8Array(labels!.length);
    const [, , h, w] = images.shape;
    for (const { start, probabilities } of predictSlices(model, sourceOfTensor(images), options)) {
      predicted.set(
        scope(() => labelsOf(model.network, probabilities).toArray<'uint8'>()),
        start * h * w,
      );
      probabilities.dispose();
      yield pause;
    }
    scores.forEach((_, i) => {
      const inside = (map: Uint8Array) => map.map((label, at) => (label === i + 1 && labels![at] !== ignored ? 1 : 0));
      const score = dice(inside(labels!), inside(predicted));
      scores[i] += score / cases.length;
      bySite.set(one.site, [...(bySite.get(one.site) ?? []), score]);
    });
  }
  return {
    dice: scores.reduce((a, b) => a + b, 0) / scores.length,
    classes: Object.fromEntries(model.classes.map((name, i) => [name, scores[i]])),
    sites: Object.fromEntries([...bySite].map(([site, all]) => [site, all.reduce((a, b) => a + b, 0) / all.length])),
  };
}

/** The class with the largest probability, or the background: float32 [b, C, h, w] -> uint8 [b, h, w]. */
function labelsOf({ background }: SegmentationNetwork, probabilities: Tensor): Tensor {
  const [b, , h, w] = probabilities.shape;
  const { device } = probabilities;
  const all = background === 'channel' ? probabilities : cat([full([b, 1, h, w], 0.5, { device }), probabilities], 1);
  return all.argmax(1).to('uint8');
}
