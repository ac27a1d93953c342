/**
 * An early head sees less than the whole network and judges an unseen scanner more timidly: the masks that it would draw
 * are smaller. The consistency loss then pushes the encoder to enlarge all masks, the network's own included, and does so
 * in every epoch. A shift of the head's logits, by which it segments as much of the target as the network, takes most of
 * that push away and leaves what the two disagree on.
 */
import type { EarlyHead, UNet2D } from '../models/index.js';
import { cat, noGrad, scope, type Tensor } from '../torch/index.js';

/**
 * Shifts the head's logits of each class so that its mean probability is the network's.
 *
 * @param batches images of the target, float32 [B, channels, H, W]
 */
export function calibrate(network: UNet2D, head: EarlyHead, batches: Iterable<Tensor>): void {
  scope(() =>
    noGrad(() => {
      const seen: { early: Tensor; shares: Tensor }[] = [];
      for (const images of batches) {
        if (seen.length === MOST_BATCHES) break;
        const one = scope(() => {
          const features = network.encode(images);
          const early = head.forward(features[head.level]); // [B, C, H, W]
          return { early, shares: network.decode(features).sigmoid().mean([2, 3]) }; // [B, C]
        });
        seen.push(one);
      }
      const wanted = cat(seen.map(({ shares }) => shares))
        .mean([0])
        .toArray<'float32'>(); // [C]
      const logits = cat(seen.map(({ early }) => early)); // [N, C, H, W]
      const shifts = [...wanted].map((share, c) => shiftTo(logits.select(1, c), share));
      head.shift(shifts);
    }),
  );
}

/** The number that, added to the logits, makes their mean probability the wanted one: bisection of a rising function. */
function shiftTo(logits: Tensor, share: number): number {
  let [low, high] = [-LARGEST, LARGEST];
  for (let i = 0; i < STEPS; i++) {
    const middle = (low + high) / 2;
    const reached = scope(() => logits.add(middle).sigmoid().mean().item());
    if (reached < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Enough to know a share by, and no burden for the memory. */
const MOST_BATCHES = 32;
const LARGEST = 8;
const STEPS = 24;
