/**
 * What can be seen of a model on images without labels: how much it segments, how sure it is, and whether its early and
 * its final head say the same. A case is looked at while its output comes batch by batch; what is kept of it are masks.
 */
import { type Pausing, pause } from '../core/index.js';
import { batchOf, type SliceSource } from '../data/index.js';
import { surfaceAgreement } from '../metrics/index.js';
import type { EarlyHead, SegmentationNetwork } from '../networks/index.js';
import { predictSlices, probabilitiesOf, type Segmenter, Sureness } from '../segmenter/index.js';
import { noGrad, scope } from '../torch/index.js';
import type { Observation } from './observation.js';

/** [slice distance, h, w] in mm */
type Spacing = readonly [number, number, number];

/** Masks of one case by class, each uint8 [n, h, w] of 0 and 1. */
export class Masks {
  readonly shape: readonly [number, number, number];
  readonly classes: Uint8Array[];

  constructor(shape: readonly [number, number, number], classes: number) {
    this.shape = shape;
    this.classes = Array.from({ length: classes }, () => new Uint8Array(shape[0] * shape[1] * shape[2]));
  }

  /**
   * Takes what wins at each pixel, as a prediction does: the largest map, and of those without background what exceeds one half.
   * @param probabilities float32 [b, maps, h, w] of the slices from `start`, as the network gives them
   */
  add(probabilities: Float32Array, start: number, background: SegmentationNetwork['background']): void {
    const [, h, w] = this.shape;
    const pixels = h * w;
    const first = background === 'channel' ? 1 : 0;
    const maps = first + this.classes.length;
    for (let from = 0, to = start * pixels; from < probabilities.length; from += maps * pixels, to += pixels)
      for (let i = 0; i < pixels; i++) {
        let winner = -1;
        let largest = background === 'channel' ? probabilities[from + i] : 0.5;
        for (let c = 0; c < this.classes.length; c++) {
          const value = probabilities[from + (first + c) * pixels + i];
          if (value <= largest) continue;
          winner = c;
          largest = value;
        }
        for (let c = 0; c < this.classes.length; c++) this.classes[c][to + i] = winner === c ? 1 : 0;
      }
  }
}

/** The masks of a network without a look at an early head. */
export function* masksOf(model: Segmenter, slices: SliceSource): Pausing<Masks> {
  const masks = new Masks(slices.shape, model.classes.length);
  for (const { start, probabilities } of outputsOf(model, slices)) {
    masks.add(probabilities, start, model.network.background);
    yield pause;
  }
  return masks;
}

/** A model's output on some slices of a case. */
export interface Output {
  /** Which slice is the first of these. */
  start: number;
  /** float32 [b, maps, h, w], probabilities as the network gives them */
  probabilities: Float32Array;
  /** The early head's, likewise; absent where none was asked. */
  early?: Float32Array;
}

/** Runs the network over all slices of a case, a batch at a time. */
export function* outputsOf(model: Segmenter, slices: SliceSource, head?: EarlyHead): Generator<Output> {
  for (const { start, ...done } of predictSlices(model, slices, { head })) {
    const [probabilities, early] = [done.probabilities, done.early].map((one) => one?.toArray<'float32'>());
    done.probabilities.dispose();
    done.early?.dispose();
    yield { start, probabilities: probabilities!, ...(early && { early }) };
  }
}

/** Gathers what is seen of a case from the model's output on it. */
export class Sight {
  readonly masks: Masks;
  readonly #early: Masks;
  readonly #background: SegmentationNetwork['background'];
  readonly sureness: Sureness;

  constructor({ network, classes, maps }: Segmenter, shape: readonly [number, number, number]) {
    this.masks = new Masks(shape, classes.length);
    this.#early = new Masks(shape, classes.length);
    this.sureness = new Sureness(network, maps);
    this.#background = network.background;
  }

  /** The batches of a case in their order. */
  add({ start, probabilities, early }: Output): void {
    this.masks.add(probabilities, start, this.#background);
    if (early) this.#early.add(early, start, this.#background);
    const [, h, w] = this.masks.shape;
    this.sureness.add(probabilities, h * w, early);
  }

  /** @param toleranceMm of the surface Dice */
  *observation(spacing: Spacing, toleranceMm: number): Pausing<Observation> {
    const [z, y, x] = spacing;
    return {
      volumeMl: (this.sureness.voxels * z * y * x) / 1000,
      entropy: this.sureness.entropy,
      agreement: yield* agreement(this.#early, this.masks, { spacing, toleranceMm, ofNothing: 0 }),
    };
  }
}

/**
 * Surface Dice of two sets of masks, averaged over the classes.
 * @param ofNothing what a class counts that neither set has: heads that find nothing have no merit, models that find nothing agree
 */
export function* agreement(
  first: Masks,
  second: Masks,
  { spacing, toleranceMm, ofNothing }: { spacing: Spacing; toleranceMm: number; ofNothing: 0 | 1 },
): Pausing<number> {
  let sum = 0;
  for (const [c, mask] of second.classes.entries()) {
    const found = mask.includes(1) || first.classes[c].includes(1);
    sum += found ? yield* surfaceAgreement(first.classes[c], mask, second.shape, spacing, toleranceMm) : ofNothing;
  }
  return sum / second.classes.length;
}

/**
 * Surface Dice of a case's masks and of those that the network finds in its slices' mirror images (along the rows, as training
 * mirrors them), mirrored back. Training taught the network that they are the same; where it is unsure, they are not.
 */
export function* mirrorAgreement(
  { network, device }: Segmenter,
  slices: SliceSource,
  masks: Masks,
  { spacing, toleranceMm }: { spacing: Spacing; toleranceMm: number },
): Pausing<number> {
  const mirrored = new Masks(slices.shape, masks.classes.length);
  const [n] = slices.shape;
  const step = batchOf(slices.shape, 16);
  for (let start = 0; start < n; start += step) {
    const answer = scope(() =>
      noGrad(() => {
        const images = slices
          .take(start, Math.min(step, n - start))
          .to({ device })
          .flip(3);
        return probabilitiesOf(network, network.logits(network.encode(images)))
          .flip(3)
          .toArray<'float32'>();
      }),
    );
    mirrored.add(answer, start, network.background);
    yield pause;
  }
  return yield* agreement(mirrored, masks, { spacing, toleranceMm, ofNothing: 0 });
}

/** Looks at a case with an early head. @param how.mirrors whether mirror images are looked at, too */
export function* observe(
  model: Segmenter,
  head: EarlyHead,
  { slices, spacing }: { slices: SliceSource; spacing: Spacing },
  { toleranceMm, mirrors }: { toleranceMm: number; mirrors: boolean },
): Pausing<Observation & { masks: Masks }> {
  const sight = new Sight(model, slices.shape);
  for (const output of outputsOf(model, slices, head)) {
    sight.add(output);
    yield pause;
  }
  const { masks } = sight;
  const observation = yield* sight.observation(spacing, toleranceMm);
  if (!mirrors) return { ...observation, masks };
  return { ...observation, mirrored: yield* mirrorAgreement(model, slices, masks, { spacing, toleranceMm }), masks };
}
