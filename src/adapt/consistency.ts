/**
 * The self-training loss: the early head is pulled towards the whole network's own prediction on unlabelled images
 * (Sheikh & Schultz 2022; Aleem et al. 2024). With detached pseudo-labels, the default, the prediction is a fixed target
 * and nothing behind the encoder is recorded; the reference code's coupled form lets the gradient flow through both.
 */
import type { EarlyHead, SegmentationNetwork } from '../networks/index.js';
import { binaryCrossEntropyWithLogits, noGrad, type Tensor } from '../torch/index.js';

export interface Consistency {
  /** Scalar, mean binary cross-entropy of the early logits against the soft pseudo-labels. */
  loss: Tensor;
  /** Both [B, classes, H, W]. */
  logits: Tensor;
  earlyLogits: Tensor;
}

/**
 * The encoder runs once for both heads.
 *
 * @param images float32 [B, channels, H, W], prepared intensities
 */
export function consistency(
  network: SegmentationNetwork,
  head: EarlyHead,
  images: Tensor,
  { detach = true } = {},
): Consistency {
  const features = network.encode(images);
  const earlyLogits = head.read(features);
  const logits = detach ? noGrad(() => network.logits(features)) : network.logits(features);
  return { loss: binaryCrossEntropyWithLogits(earlyLogits, logits.sigmoid()), logits, earlyLogits };
}
