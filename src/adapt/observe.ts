/**
 * What can be seen of a model on images without labels: how much it segments, how sure it is, and whether its early and
 * its final head say the same. A case is looked at while its output comes batch by batch; what is kept of it are masks.
 */
import { type Pausing, pause } from '../core/index.js';
import type { SliceSource } from '../data/index.js';
import { surfaceAgreement } from '../metrics/index.js';
import type { EarlyHead, SegmentationNetwork } from '../networks/index.js';
import { predictSlices, type Segmenter, Sureness } from '../segmenter/index.js';
import type { Observation } from './observation.js';

/** Masks of one case by class, each uint8 [n, h, w] of 0 and 1. */
export class Masks {
  readonly shape: readonly [number, number, number];
  readonly classes: Uint8Array[];

  constructor(shape: readonly [number, number, number], classes: number) {
    this.shape = shape;
    this.classes = Array.from({ length: classes }, () => new Uint8Array(shape[0] * shape[1] * shape[2]));
  }

  /**
   * Takes what wins: the largest map, or what exceeds one half.
   * @param probabilities float32 [b, maps, h, w] of the slices from `start`, as the network gives them
   */
  add(probabilities: Float32Array, start: number, background: SegmentationNetwork['background']): void {
    const [, h, w] = this.shape;
    if (background === 'channel') this.#addLargest(probabilities, start * h * w, h * w);
    else this.#addHalves(probabilities, start);
  }

  #addHalves(probabilities: Float32Array, start: number): void {
    const [, h, w] = this.shape;
    for (let from = 0, slice = start; from < probabilities.length; slice++)
      for (const mask of this.classes)
        for (let to = slice * h * w; to < (slice + 1) * h * w; to++) mask[to] = probabilities[from++] > 0.5 ? 1 : 0;
  }

  /** @param to the first voxel @param pixels of a slice */
  #addLargest(probabilities: Float32Array, to: number, pixels: number): void {
    const maps = this.classes.length + 1;
    for (let from = 0; from < probabilities.length; from += maps * pixels, to += pixels)
      for (let i = 0; i < pixels; i++) {
        let largest = 0;
        for (let c = 1; c < maps; c++)
          if (probabilities[from + c * pixels + i] > probabilities[from + largest * pixels + i]) largest = c;
        for (const [c, mask] of this.classes.entries()) mask[to + i] = largest === c + 1 ? 1 : 0;
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

  /** @param spacing [slice distance, h, w] in mm @param toleranceMm of the surface Dice */
  *observation(spacing: readonly [number, number, number], toleranceMm: number): Pausing<Observation> {
    const [z, y, x] = spacing;
    return {
      volumeMl: (this.sureness.voxels * z * y * x) / 1000,
      entropy: this.sureness.entropy,
      agreement: yield* agreement(this.#early, this.masks, spacing, toleranceMm),
    };
  }
}

/** Surface Dice of two sets of masks, averaged over the classes. */
export function* agreement(
  first: Masks,
  second: Masks,
  spacing: readonly [number, number, number],
  toleranceMm: number,
): Pausing<number> {
  let sum = 0;
  for (const [c, mask] of second.classes.entries()) {
    // Two heads that find nothing would agree perfectly; that is worth nothing.
    if (!mask.includes(1)) continue;
    sum += yield* surfaceAgreement(first.classes[c], mask, second.shape, spacing, toleranceMm);
  }
  return sum / second.classes.length;
}

/** Looks at a case with an early head. */
export function* observe(
  model: Segmenter,
  head: EarlyHead,
  { slices, spacing }: { slices: SliceSource; spacing: readonly [number, number, number] },
  toleranceMm: number,
): Pausing<Observation & { masks: Masks }> {
  const sight = new Sight(model, slices.shape);
  for (const output of outputsOf(model, slices, head)) {
    sight.add(output);
    yield pause;
  }
  return { ...(yield* sight.observation(spacing, toleranceMm)), masks: sight.masks };
}
