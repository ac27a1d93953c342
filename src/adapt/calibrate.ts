/**
 * An early head sees less than the whole network and judges an unseen scanner more timidly: the masks that it would draw
 * are smaller. The consistency loss then pushes the encoder to enlarge all masks, the network's own included, and does so
 * in every epoch. A shift of the head's logits, by which it segments as much of the target as the network, takes most of
 * that push away and leaves what the two disagree on.
 */
import { type Pausing, pause } from '../core/index.js';
import type { EarlyHead, SegmentationNetwork } from '../networks/index.js';
import { probabilitiesOf } from '../segmenter/index.js';
import { cat, noGrad, operator, scope, type Tensor, tensor } from '../torch/index.js';

/** Slices of one size. */
interface Group {
  /** The head's, [B, C, H, W] of each batch. */
  logits: Tensor[];
  /** The network's mean probabilities, [B, C] of each batch. */
  shares: Tensor[];
  pixels: number;
}

/**
 * Shifts the head's logits of each class so that its mean probability over all pixels is the network's. Where classes share
 * one distribution with the background, which stays, they are shifted one after the other, several times.
 *
 * @param batches images of the target, float32 [B, channels, H, W]; H and W may differ from batch to batch
 */
export function* calibrate(network: SegmentationNetwork, head: EarlyHead, batches: Iterable<Tensor>): Pausing<void> {
  const groups = new Map<string, Group>();
  let count = 0;
  try {
    for (const images of batches) {
      if (count++ === MOST_BATCHES) break;
      const [b, , h, w] = images.shape;
      const group = groups.get(`${h} ${w}`) ?? { logits: [], shares: [], pixels: 0 };
      groups.set(`${h} ${w}`, group);
      const { logits, shares } = look(network, head, images);
      group.logits.push(logits.keep());
      group.shares.push(shares.keep());
      group.pixels += b * h * w;
      yield pause;
    }
    const [first, sweeps] = network.background === 'channel' ? [1, SWEEPS] : [0, 1];
    const shifts = Array.from({ length: first + network.classes }, () => 0);
    for (let sweep = 0; sweep < sweeps; sweep++)
      for (let c = first; c < shifts.length; c++)
        shifts[c] += yield* shiftOf([...groups.values()], c, (logits) => oddsOf(network, logits, shifts, c));
    head.shift(shifts);
  } finally {
    for (const { logits, shares } of groups.values()) for (const one of [...logits, ...shares]) one.dispose();
  }
}

const look = (network: SegmentationNetwork, head: EarlyHead, images: Tensor) =>
  scope(() =>
    noGrad(() => {
      const features = network.encode(images);
      const logits = head.read(features);
      return { logits, shares: probabilitiesOf(network, network.logits(features)).mean([2, 3]) };
    }),
  );

const logit = operator('aten::logit') as (probabilities: Tensor, eps: number) => Tensor;
/** Probabilities are taken no nearer to 0 and 1 than this. */
const LEAST = 1e-6;

/** A class's log-odds, [B, 1, H, W]: a shift of its logits shifts them by as much. @param shifts of all maps so far */
function oddsOf(network: SegmentationNetwork, logits: Tensor, shifts: readonly number[], c: number): Tensor {
  if (network.background === 'half') return logits.narrow(1, c, 1);
  const shifted = logits.add(tensor(shifts, [1, shifts.length, 1, 1], { device: logits.device }));
  return logit(probabilitiesOf(network, shifted).narrow(1, c, 1), LEAST);
}

/**
 * The number that, added to a class's logits, makes their mean probability the network's: bisection of a rising function.
 * Groups count by their pixels.
 */
function* shiftOf(groups: readonly Group[], c: number, odds: (logits: Tensor) => Tensor): Pausing<number> {
  const total = groups.reduce((sum, { pixels }) => sum + pixels, 0);
  const mean = (of: (group: Group) => number) =>
    groups.reduce((sum, group) => sum + (group.pixels / total) * of(group), 0);
  const wanted = mean(({ shares }) => scope(() => cat(shares).mean([0]).toArray<'float32'>()[c]));
  const ofClass = (batches: Tensor[]) => scope(() => cat(batches.map(odds))).keep();
  const joined = new Map(groups.map((group) => [group, ofClass(group.logits)])); // [N, 1, H, W]
  let [low, high] = [-LARGEST, LARGEST];
  try {
    for (let i = 0; i < STEPS; i++) {
      const middle = (low + high) / 2;
      const reached = mean((group) => scope(() => joined.get(group)!.add(middle).sigmoid().mean().item()));
      if (reached < wanted) low = middle;
      else high = middle;
      yield pause;
    }
  } finally {
    for (const one of joined.values()) one.dispose();
  }
  return (low + high) / 2;
}

/** Enough to know a share by, and no burden for the memory. */
const MOST_BATCHES = 32;
const LARGEST = 8;
const STEPS = 24;
const SWEEPS = 4;
