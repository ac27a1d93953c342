/** Losses of a network's maps, which have one for the background or none. */
import type { SegmentationNetwork } from '../networks/index.js';
import { binaryCrossEntropyWithLogits, cat, operator, softmax, type Tensor } from '../torch/index.js';

const softplus = operator('aten::softplus') as (x: Tensor) => Tensor;
const logSoftmax = operator('aten::log_softmax.int') as (x: Tensor, dim: number) => Tensor;

type Background = Pick<SegmentationNetwork, 'background'>;

/** Logits [B, C, h, w] as the network's maps are meant: the largest wins, or each has a half to exceed. */
export const probabilitiesOf = ({ background }: Background, logits: Tensor): Tensor =>
  background === 'channel' ? softmax(logits, 1) : logits.sigmoid();

/**
 * Mean cross-entropy against probabilities: over pixels where the maps are one distribution, over pixels and maps where each
 * map is one of its own.
 *
 * @param logits float32 [B, C, h, w] @param target float32 [B, C, h, w], as `probabilitiesOf` gives them @returns a scalar
 */
export const softCrossEntropy = ({ background }: Background, logits: Tensor, target: Tensor): Tensor =>
  background === 'channel'
    ? logSoftmax(logits, 1).mul(target).sum([1]).mean().neg()
    : binaryCrossEntropyWithLogits(logits, target);

/**
 * The loss of labelled slices for a network's maps: `segmentationLoss` where they have none for the background. Where they
 * have one, the cross-entropy is of the distribution over all maps, and Dice that of the other classes.
 *
 * @param logits float32 [B, C, h, w] of the network or an early head
 * @param maps float32 of the classes without the background; with `diceWeight` and `counted` as `segmentationLoss` takes them
 * @returns a scalar, float32
 */
export function labelledLoss(
  { background: kind }: Background,
  logits: Tensor,
  maps: Tensor,
  diceWeight: number,
  counted?: Tensor,
): Tensor {
  if (kind === 'half') return segmentationLoss(logits, maps, diceWeight, counted);
  const background = maps.sum([1], true).neg().add(1);
  const truth = cat([counted ? background.mul(counted) : background, maps], 1); // [B, C, h, w]; 0 where nothing counts
  const terms = logSoftmax(logits, 1).mul(truth).sum([1], true).neg(); // [B, 1, h, w]
  const entropy = counted ? terms.sum().div(counted.sum().clamp(1, null)) : terms.mean();
  if (diceWeight === 0) return entropy;
  const p = softmax(logits, 1).narrow(1, 1, maps.shape[1]);
  return entropy.mul(1 - diceWeight).add(softDice(counted ? p.mul(counted) : p, maps).mul(diceWeight));
}

/**
 * Mean binary cross-entropy and soft Dice over classes that have a map each, without one for the background. Dice is
 * (2 Σ p·t + 1) / (Σ p + Σ t + 1), sums over the whole batch, for each class.
 *
 * @param logits float32 [B, C, h, w]; a class's probability is the sigmoid of its logit
 * @param maps float32 [B, C, h, w], 0 or 1; 0 where pixels do not count
 * @param diceWeight share of the soft Dice in [0, 1]; the rest is cross-entropy
 * @param counted float32 [B, 1, h, w], 1 where pixels count; undefined where all do
 * @returns a scalar, float32
 */
export function segmentationLoss(logits: Tensor, maps: Tensor, diceWeight: number, counted?: Tensor): Tensor {
  const entropy = counted ? countedCrossEntropy(logits, maps, counted) : binaryCrossEntropyWithLogits(logits, maps);
  if (diceWeight === 0) return entropy;
  const p = counted ? logits.sigmoid().mul(counted) : logits.sigmoid(); // the maps are 0 where nothing counts
  return entropy.mul(1 - diceWeight).add(softDice(p, maps).mul(diceWeight));
}

/** 1 - Dice, averaged over the maps. */
function softDice(p: Tensor, maps: Tensor): Tensor {
  const overlap = p.mul(maps).sum([0, 2, 3]).mul(2).add(1); // [C]
  const total = p
    .sum([0, 2, 3])
    .add(maps.sum([0, 2, 3]))
    .add(1);
  return overlap.div(total).mean().neg().add(1);
}

/** The mean over the pixels that count; 0 where none does. log(1 + e^x) - x y is the cross-entropy of the logit x. */
function countedCrossEntropy(logits: Tensor, maps: Tensor, counted: Tensor): Tensor {
  const terms = softplus(logits).sub(logits.mul(maps)).mul(counted);
  return terms.sum().div(counted.sum().mul(logits.shape[1]).clamp(1, null));
}
