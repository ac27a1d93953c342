/**
 * One backward pass through Segment Anything that keeps no more activations than it must.
 *
 * Where nothing of the image encoder is trained, it runs without recording. With `checkpointing` (Chen et al. 2016,
 * arXiv 1604.06174) only the inputs of the encoder's stages are kept: once the gradient of the embeddings is known, the
 * stages are computed again, last first, each with its own backward pass. The gradients are the same.
 */
import type { Sam } from '../networks/index.js';
import { autocast, noGrad, type Tensor } from '../torch/index.js';

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
 * @param images float32 [B, 3, H, W]
 * @param lossOf from embeddings [B, C, h, w] to a scalar; `run` computes the model's part in the chosen precision
 * @returns the loss, without its history
 */
export function accumulateGradients(
  sam: Sam,
  trained: Iterable<string>,
  images: Tensor,
  lossOf: (embeddings: Tensor, run: (body: () => Tensor) => Tensor) => Tensor,
  { bfloat16, checkpointing }: PassOptions,
): Tensor {
  const [device] = images.device.split(':');
  const run = (body: () => Tensor) => (bfloat16 ? autocast(body, { device }) : body());
  const first = firstTrainedStage(sam, trained);
  if (first === undefined || !checkpointing) {
    const encode = () => run(() => sam.encode(images));
    const loss = lossOf(first === undefined ? noGrad(encode) : encode(), run);
    loss.backward();
    return loss.detach();
  }

  const stages = stagesOf(sam);
  const inputs: Tensor[] = []; // of the stages from `first` on
  let x = images;
  noGrad(() => {
    stages.forEach((stage, i) => {
      if (i >= first) inputs.push(x);
      x = run(() => stage(x));
    });
  });
  const embeddings = leaf(x);
  const loss = lossOf(embeddings, run);
  loss.backward();
  let gradient = embeddings.grad;
  for (let i = stages.length - 1; i >= first && gradient; i--) {
    const input = i === 0 ? images : leaf(inputs[i - first]);
    const output = run(() => stages[i](input));
    if (output.requiresGrad) output.backward({ gradient });
    gradient = input.grad;
  }
  return loss.detach();
}

/** The encoder as a chain: patches, blocks, neck. */
const stagesOf = ({ imageEncoder }: Sam): ((x: Tensor) => Tensor)[] => [
  (images) => imageEncoder.embed(images),
  ...imageEncoder.stages.map((stage) => (tokens: Tensor) => stage.forward(tokens)),
  (tokens) => imageEncoder.finish(tokens),
];

/** The first stage with a trained parameter; undefined where the encoder has none. */
function firstTrainedStage({ imageEncoder }: Sam, trained: Iterable<string>): number | undefined {
  const places = [...trained].flatMap((name) => {
    const path = name.match(/^image_encoder\.(?:blocks\.(\d+)|(neck))?/);
    if (!path) return [];
    if (path[2]) return [imageEncoder.stages.length + 1];
    // What is not a block's own, such as factors that all blocks share, counts as the first stage's.
    return [path[1] === undefined ? 0 : Number(path[1]) + 1];
  });
  return places.length > 0 ? Math.min(...places) : undefined;
}

function leaf(x: Tensor): Tensor {
  const copy = x.detach();
  copy.requiresGrad = true;
  return copy;
}
