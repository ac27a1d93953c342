/**
 * What can be seen of a model on images without labels: how much it segments, how sure it is, and whether its early and
 * its final head say the same. A case is looked at while its output comes batch by batch; what is kept of it are masks.
 */
import { type Pausing, pause } from '../core/index.js';
import { batchOf, type SliceSource } from '../data/index.js';
import { surfaceDice, surfaceDistancesWithPauses } from '../metrics/index.js';
import type { EarlyHead } from '../networks/index.js';
import { noGrad, scope } from '../torch/index.js';
import type { Observation } from './observation.js';
import type { Segmenter } from './segmenter.js';

/** A model's output on some slices of a case. */
export interface Output {
  /** Which slice is the first of these. */
  start: number;
  /** float32 [b, C, h, w], probabilities of the classes but the background */
  probabilities: Float32Array;
  /** The early head's, likewise. */
  early: Float32Array;
}

/** Slices of a batch in inference at most. */
const BATCH = 16;

/**
 * Runs the network over all slices of a case, a batch at a time.
 *
 * @param head without one `early` stays empty
 */
export function* runNetwork(
  { network, device }: Pick<Segmenter, 'network' | 'device'>,
  slices: SliceSource,
  head?: EarlyHead,
): Generator<Output> {
  const [n] = slices.shape;
  const batch = batchOf(slices.shape, BATCH);
  for (let start = 0; start < n; start += batch)
    yield scope(() =>
      noGrad(() => {
        const features = network.encode(slices.take(start, Math.min(batch, n - start)).to({ device }));
        const probabilities = network.decode(features).sigmoid().toArray<'float32'>();
        const early = head ? head.forward(features[head.level]).sigmoid().toArray<'float32'>() : new Float32Array();
        return { start, probabilities, early };
      }),
    );
}

/** Masks of one case by class, each uint8 [n, h, w] of 0 and 1. */
export class Masks {
  readonly shape: readonly [number, number, number];
  readonly classes: Uint8Array[];

  constructor(shape: readonly [number, number, number], classes: number) {
    this.shape = shape;
    this.classes = Array.from({ length: classes }, () => new Uint8Array(shape[0] * shape[1] * shape[2]));
  }

  /** Takes what exceeds one half. @param probabilities float32 [b, C, h, w] of the slices from `start` */
  add(probabilities: Float32Array, start: number): void {
    const [, h, w] = this.shape;
    for (let from = 0, slice = start; from < probabilities.length; slice++)
      for (const mask of this.classes)
        for (let to = slice * h * w; to < (slice + 1) * h * w; to++) mask[to] = probabilities[from++] > 0.5 ? 1 : 0;
  }
}

/** The masks of a network without a look at an early head. */
export function* masksOf(model: Segmenter, slices: SliceSource): Pausing<Masks> {
  const masks = new Masks(slices.shape, model.classes - 1);
  for (const { start, probabilities } of runNetwork(model, slices)) {
    masks.add(probabilities, start);
    yield pause;
  }
  return masks;
}

/** How sure a model is of a case, gathered from its output batch by batch. */
export class Sureness {
  #voxels = 0;
  #entropy = 0;
  #early = 0;
  #both = 0;
  #heads = false;

  add({ probabilities, early }: Pick<Output, 'probabilities' | 'early'>): void {
    for (let i = 0; i < probabilities.length; i++) {
      const p = probabilities[i];
      if (p > 0.5) this.#voxels++;
      if (p > 0 && p < 1) this.#entropy -= p * Math.log2(p) + (1 - p) * Math.log2(1 - p);
    }
    this.#heads ||= early.length > 0;
    for (let i = 0; i < early.length; i++)
      if (early[i] > 0.5) {
        this.#early++;
        if (probabilities[i] > 0.5) this.#both++;
      }
  }

  /** Voxels of all classes that exceed one half. */
  get voxels(): number {
    return this.#voxels;
  }
  /** In bits. A mask of nothing counts as one voxel: as unsure as can be, but a number that JSON can hold. */
  get entropy(): number {
    return this.#entropy / Math.max(1, this.#voxels);
  }
  /** Dice of the early against the final head's masks, all classes together; undefined without an early head. */
  get heads(): number | undefined {
    return this.#heads ? (2 * this.#both) / Math.max(1, this.#voxels + this.#early) : undefined;
  }
}

/** Gathers what is seen of a case from the model's output on it. */
export class Sight {
  readonly masks: Masks;
  readonly #early: Masks;
  readonly sureness = new Sureness();

  constructor(shape: readonly [number, number, number], classes: number) {
    this.masks = new Masks(shape, classes);
    this.#early = new Masks(shape, classes);
  }

  /** The batches of a case in their order. */
  add({ start, probabilities, early }: Output): void {
    this.masks.add(probabilities, start);
    this.#early.add(early, start);
    this.sureness.add({ probabilities, early });
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
    const distances = yield* surfaceDistancesWithPauses(first.classes[c], mask, second.shape, spacing);
    sum += surfaceDice(distances, toleranceMm);
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
  const sight = new Sight(slices.shape, model.classes - 1);
  for (const output of runNetwork(model, slices, head)) {
    sight.add(output);
    yield pause;
  }
  return { ...(yield* sight.observation(spacing, toleranceMm)), masks: sight.masks };
}
