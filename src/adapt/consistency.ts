/**
 * The self-training loss: the early head is pulled towards the whole network's own prediction on unlabelled images
 * (Sheikh & Schultz 2022; Aleem et al. 2024). With detached pseudo-labels, the default, the prediction is a fixed target
 * and nothing behind the encoder is recorded; the reference code's coupled form lets the gradient flow through both.
 */
import type { EarlyHead, SegmentationNetwork } from '../networks/index.js';
import { probabilitiesOf, softCrossEntropy } from '../segmenter/index.js';
import { noGrad, operator, type Tensor } from '../torch/index.js';

/** A self-training step's loss, and the logits it comes from. */
export interface Consistency {
  /** Scalar, mean cross-entropy of the early logits against the soft pseudo-labels. */
  loss: Tensor;
  /** The whole network's, float32 [B, C, H, W]. */
  logits: Tensor;
  /** The early head's, float32 [B, C, H, W]. */
  earlyLogits: Tensor;
}

/**
 * The encoder runs once for both heads.
 *
 * @param images float32 [B, channels, H, W], prepared intensities
 * @param options.detach the prediction is a fixed target; false: the gradient flows through both heads
 */
export function consistency(
  network: SegmentationNetwork,
  head: EarlyHead,
  images: Tensor,
  { detach = true } = {},
): Consistency {
  const features = network.encode(images);
  const earlyLogits = head.read(features); // [B, C, H, W]
  const logits = detach ? noGrad(() => network.logits(features)) : network.logits(features); // [B, C, H, W]
  return { loss: softCrossEntropy(network, earlyLogits, probabilitiesOf(network, logits)), logits, earlyLogits };
}

const greatest = operator('aten::amax') as (x: Tensor, dims: number[], keep: boolean) => Tensor;

/**
 * The loss of a network that learns its own hard prediction.
 *
 * @param images float32 [B, channels, H, W], prepared intensities @returns a scalar
 */
export function selfTraining(network: SegmentationNetwork, images: Tensor): Tensor {
  const logits = network.logits(network.encode(images)); // [B, C, H, W]
  const seen = logits.detach();
  const answer = network.background === 'channel' ? seen.eq(greatest(seen, [1], true)) : seen.gt(0);
  return softCrossEntropy(network, logits, answer.to('float32'));
}
