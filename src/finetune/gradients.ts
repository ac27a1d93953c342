/**
 * One backward pass through a network that keeps no more activations than it must.
 *
 * Where nothing of the image encoder is trained, it runs without recording. With `checkpointing` (Chen et al. 2016,
 * arXiv 1604.06174) only the inputs of the encoder's stages are kept: once the gradient of the embeddings is known, the
 * stages are computed again, last first, each with its own backward pass. The gradients are the same.
 */
import type { EncoderStages, SegmentationNetwork } from '../networks/index.js';
import { autocast, noGrad, scope, type Tensor } from '../torch/index.js';

export interface PassOptions {
  /** Matrix products and convolutions in bfloat16. */
  bfloat16: boolean;
  /** Computes activations of the encoder twice instead of keeping them. */
  checkpointing: boolean;
}

/**
 * Adds the gradients of a loss to those of the model's trained parameters.
 *
 * @param trained names of the parameters that require a gradient
 * @param images float32 [B, channels, H, W]
 * @param lossOf from the encoder's features to a scalar; `run` computes the model's part in the chosen precision
 * @returns the loss, without its history
 */
export function accumulateGradients(
  network: SegmentationNetwork,
  trained: Iterable<string>,
  images: Tensor,
  lossOf: (features: Tensor, run: (body: () => Tensor) => Tensor) => Tensor,
  { bfloat16, checkpointing }: PassOptions,
): Tensor {
  const [device] = images.device.split(':');
  const run = (body: () => Tensor) => (bfloat16 ? autocast(body, { device }) : body());
  const { stages } = network;
  const first = stages ? firstTrainedStage(stages, trained) : 0;
  if (first === undefined || !checkpointing || !stages) {
    const encode = () => run(() => network.encode(images));
    // What the gradients do not need is freed before they are computed.
    const loss = scope(() => lossOf(first === undefined ? noGrad(encode) : encode(), run));
    loss.backward();
    return loss.detach();
  }

  const { chain } = stages;
  const inputs: Tensor[] = []; // of the stages from `first` on
  let x = images;
  noGrad(() => {
    chain.forEach((stage, i) => {
      if (i >= first) inputs.push(x);
      x = scope(() => run(() => stage(x)));
    });
  });
  const embeddings = leaf(x);
  const loss = scope(() => lossOf(embeddings, run));
  loss.backward();
  let gradient = embeddings.grad;
  for (let i = chain.length - 1; i >= first && gradient; i--) {
    const input = i === 0 ? images : leaf(inputs[i - first]);
    const output = scope(() => run(() => chain[i](input)));
    if (output.requiresGrad) output.backward({ gradient });
    gradient = input.grad;
  }
  return loss.detach();
}

/** The first stage with a trained parameter; undefined where the encoder has none. */
function firstTrainedStage({ stageOf }: EncoderStages, trained: Iterable<string>): number | undefined {
  const places = [...trained].flatMap((name) => stageOf(name) ?? []);
  return places.length > 0 ? Math.min(...places) : undefined;
}

function leaf(x: Tensor): Tensor {
  const copy = x.detach();
  copy.requiresGrad = true;
  return copy;
}
