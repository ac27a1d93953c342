/**
 * The loss of FLAP-SAM's fine-tuning: cross-entropy and soft Dice of all classes, the background among them.
 *
 * Dice is taken over the whole batch, with the squares of the probabilities in its denominator (Milletari et al. 2016),
 * and averaged over the classes. Pixels without a label count in neither part.
 */
import { countedMap, foregroundMaps, ignored } from '../data/index.js';
import type { SegmentationNetwork } from '../networks/index.js';
import { segmentationLoss } from '../segmenter/index.js';
import { operator, softmax, type Tensor, tensor } from '../torch/index.js';

export interface FineTuningLossOptions {
  /** Share of the cross-entropy; the rest is Dice. */
  ceWeight?: number;
  /** Label of pixels that do not count. */
  ignore?: number;
}

const all = operator('aten::all') as (x: Tensor) => Tensor;
const crossEntropyLoss = operator('aten::cross_entropy_loss');
/** Mean over the pixels that count. */
const crossEntropy = (logits: Tensor, labels: Tensor, ignoreIndex: number): Tensor =>
  crossEntropyLoss(logits, labels, { ignoreIndex }) as Tensor;

/** Keeps the quotient finite where a class is absent from labels and prediction. */
const SMOOTH = 1e-5;

/**
 * FLAP-SAM's loss: cross-entropy and soft Dice of all classes, the background among them. Dice is taken over the whole batch
 * with the squares of the probabilities in its denominator (Milletari et al. 2016, V-Net).
 *
 * @param logits float32 or bfloat16 [N, C, H, W], C classes with the background
 * @param labels int64 [N, H, W], classes below C or `ignore`
 * @returns scalars, float32; `loss` is the weighted sum of the other two
 */
export function fineTuningLoss(
  logits: Tensor,
  labels: Tensor,
  { ceWeight = 0.2, ignore = -100 }: FineTuningLossOptions = {},
): { loss: Tensor; crossEntropy: Tensor; dice: Tensor } {
  const scores = logits.to('float32');
  // Where no pixel counts the mean would be 0 / 0; the gradient is then 0, as Dice's is.
  const entropy = all(labels.eq(ignore)).item() ? scores.sum().mul(0) : crossEntropy(scores, labels, ignore);
  const classes = Array.from({ length: scores.shape[1] }, (_, c) => c);
  const numbers = tensor(classes, [1, classes.length, 1, 1], { dtype: 'int64', device: labels.device });
  const truth = labels.unsqueeze(1).eq(numbers).to('float32'); // [N, C, H, W]; 0 in every class where ignored
  const counted = truth.sum([1], true); // [N, 1, H, W]
  const p = softmax(scores, 1).mul(counted);
  const overlap = p.mul(truth).sum([0, 2, 3]).mul(2).add(SMOOTH); // [C]
  const total = p.mul(p).add(truth).sum([0, 2, 3]).add(SMOOTH);
  const dice = overlap.div(total).mean().neg().add(1);
  return { loss: entropy.mul(ceWeight).add(dice.mul(1 - ceWeight)), crossEntropy: entropy, dice };
}

/**
 * The loss that fits the network's maps: `fineTuningLoss` where the background is one of them, otherwise cross-entropy and
 * soft Dice of each class by itself.
 *
 * @param logits [N, C, H, W] @param labels int64 [N, H, W] @returns a scalar
 */
export function lossFor(
  { background, classes }: SegmentationNetwork,
  logits: Tensor,
  labels: Tensor,
  ceWeight: number,
): Tensor {
  if (background === 'channel') return fineTuningLoss(logits, labels, { ceWeight, ignore: ignored }).loss;
  return segmentationLoss(logits.to('float32'), foregroundMaps(labels, classes + 1), 1 - ceWeight, countedMap(labels));
}
