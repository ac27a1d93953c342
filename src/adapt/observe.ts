/**
 * What can be seen of a model on images without labels: how much it segments, how sure it is, and whether its early and
 * its final head say the same.
 */

import { type CaseSlices, classMap } from '../data/index.js';
import { surfaceDice, surfaceDistances } from '../metrics/index.js';
import type { EarlyHead } from '../models/index.js';
import { noGrad, scope, type Tensor } from '../torch/index.js';
import type { Segmenter } from './segmenter.js';

/** Of one case. */
export interface Observation {
  /** Segmented volume of all classes in ml. */
  volumeMl: number;
  /** Entropy of the probabilities in bits, summed over the voxels and divided by the number of segmented ones. */
  entropy: number;
  /** Mean surface Dice of the early against the final head's mask over the classes. */
  agreement: number;
}

/** A model's output on one case. */
export interface Output {
  /** float32 [n, C, h, w], probabilities of the classes but the background */
  probabilities: Float32Array;
  /** The early head's, likewise. */
  early: Float32Array;
}

/** Slices of a batch in inference. */
const BATCH = 16;

/**
 * Runs the network over all slices of a case.
 *
 * @param images float32 [n, 1, h, w]
 * @param head without one `early` stays empty
 */
export function runNetwork(
  { network, device }: Pick<Segmenter, 'network' | 'device'>,
  images: Tensor,
  head?: EarlyHead,
): Output {
  const [n, , h, w] = images.shape;
  const size = network.config.outChannels * h * w;
  const probabilities = new Float32Array(n * size);
  const early = new Float32Array(head ? n * size : 0);
  for (let start = 0; start < n; start += BATCH)
    scope(() =>
      noGrad(() => {
        const features = network.encode(images.narrow(0, start, Math.min(BATCH, n - start)).to({ device }));
        probabilities.set(network.decode(features).sigmoid().shareArray(), start * size);
        if (head) early.set(head.forward(features[head.level]).sigmoid().shareArray(), start * size);
      }),
    );
  return { probabilities, early };
}

export const threshold = (probabilities: Float32Array): Uint8Array =>
  Uint8Array.from(probabilities, (p) => (p > 0.5 ? 1 : 0));

/** Surface Dice of two sets of probabilities at 0.5, averaged over the classes. */
export function agreement(
  first: Float32Array,
  second: Float32Array,
  { images, spacing }: Pick<CaseSlices, 'images' | 'spacing'>,
  classes: number,
  toleranceMm: number,
): number {
  const [n, , h, w] = images.shape;
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    const [a, b] = [first, second].map((p) => threshold(classMap(p, c, classes, h * w)));
    // Two heads that find nothing would agree perfectly; that is worth nothing.
    if (b.includes(1)) sum += surfaceDice(surfaceDistances(a, b, [n, h, w], spacing), toleranceMm);
  }
  return sum / classes;
}

export function observe(
  { probabilities, early }: Output,
  one: Pick<CaseSlices, 'images' | 'spacing'>,
  classes: number,
  toleranceMm: number,
): Observation {
  let voxels = 0;
  let entropy = 0;
  for (const p of probabilities) {
    if (p > 0.5) voxels++;
    if (p > 0 && p < 1) entropy -= p * Math.log2(p) + (1 - p) * Math.log2(1 - p);
  }
  const [z, y, x] = one.spacing;
  return {
    volumeMl: (voxels * z * y * x) / 1000,
    // A mask of nothing counts as one voxel: as unsure as can be, but a number that JSON can hold.
    entropy: entropy / Math.max(1, voxels),
    agreement: agreement(early, probabilities, one, classes, toleranceMm),
  };
}
