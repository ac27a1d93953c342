/** The loss of networks whose classes have a map each, without one for the background. */
import { binaryCrossEntropyWithLogits, operator, type Tensor } from '../torch/index.js';

const softplus = operator('aten::softplus') as (x: Tensor) => Tensor;

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
  const overlap = p.mul(maps).sum([0, 2, 3]).mul(2).add(1); // [C]
  const total = p
    .sum([0, 2, 3])
    .add(maps.sum([0, 2, 3]))
    .add(1);
  const softDice = overlap.div(total).mean().neg().add(1);
  return entropy.mul(1 - diceWeight).add(softDice.mul(diceWeight));
}

/** The mean over the pixels that count; 0 where none does. log(1 + e^x) - x y is the cross-entropy of the logit x. */
function countedCrossEntropy(logits: Tensor, maps: Tensor, counted: Tensor): Tensor {
  const terms = softplus(logits).sub(logits.mul(maps)).mul(counted);
  return terms.sum().div(counted.sum().mul(logits.shape[1]).clamp(1, null));
}
