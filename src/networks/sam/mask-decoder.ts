/**
 * The mask decoder, with one of two heads. The stock head predicts four masks at 4 times the tokens' resolution (one
 * for clear prompts, three for ambiguous ones). FLAP-SAM's (Asokan et al. 2024, arXiv 2407.21739) has a mask for the
 * background and for each class, at 16 times the tokens' resolution: the image's own.
 */
import { ConvTranspose2d, Embedding, GELU, LayerNorm2d, Module, Sequential } from '../../nn/index.js';
import { cat, stack, type Tensor } from '../../torch/index.js';
import type { SamConfig } from './config.js';
import { HeadMlp } from './mlp.js';
import type { PromptEmbeddings } from './prompt-encoder.js';
import { TwoWayTransformer } from './two-way.js';

export interface MaskPrediction {
  /** [B, masks, side, side], side = imageSize (FLAP-SAM's head) or imageSize / 4 (the stock head) */
  logits: Tensor;
  /** [B, masks], how well the model thinks each mask overlaps the object */
  iou: Tensor;
}

export class MaskDecoder extends Module {
  readonly #transformer: TwoWayTransformer;
  readonly #iouToken: Embedding;
  readonly #maskTokens: Embedding;
  readonly #upscaling: Sequential;
  readonly #hypernetworks: HeadMlp[];
  readonly #iouHead: HeadMlp;

  constructor({ promptDim, decoderMlp, classes }: SamConfig) {
    super();
    const masks = (classes ?? 3) + 1;
    this.#transformer = this.child('transformer', new TwoWayTransformer(promptDim, decoderMlp));
    this.#iouToken = this.child('iou_token', new Embedding(1, promptDim));
    this.#maskTokens = this.child('mask_tokens', new Embedding(masks, promptDim));
    const widths = (classes === null ? [4, 8] : [4, 8, 16, 32]).map((by) => promptDim / by);
    this.#upscaling = this.child('output_upscaling', upscaling([promptDim, ...widths]));
    this.#hypernetworks = Array.from({ length: masks }, (_, i) =>
      this.child(`output_hypernetworks_mlps.${i}`, new HeadMlp(promptDim, widths.at(-1)!)),
    );
    this.#iouHead = this.child('iou_prediction_head', new HeadMlp(promptDim, masks));
  }

  /**
   * @param image embeddings [B, C, h, w], or [1, C, h, w] for many prompts on one image
   * @param places of the image's tokens, [1, C, h, w]
   * @param prompts for B masks, or for one that is asked of every image
   */
  forward(image: Tensor, places: Tensor, { sparse, dense }: PromptEmbeddings): MaskPrediction {
    const batch = Math.max(image.shape[0], sparse?.shape[0] ?? 1, dense.shape[0]);
    const [, channels, height, width] = image.shape;
    const outputs = cat([this.#iouToken.weight, this.#maskTokens.weight]); // [1 + masks, C]
    const masks = outputs.shape[0] - 1;
    let tokens = outputs.unsqueeze(0).expand(batch, masks + 1, channels);
    if (sparse) tokens = cat([tokens, sparse.expand(batch, ...sparse.shape.slice(1))], 1); // [B, T, C]
    const seen = image.add(dense).expand(batch, channels, height, width);
    const [t, i] = this.#transformer.forward(tokens, flat(seen), flat(places));

    const grid = i.transpose(1, 2).reshape(batch, channels, height, width);
    const pixels = this.#upscaling.forward(grid); // [B, c, side, side]
    const weights = stack(
      this.#hypernetworks.map((network, mask) => network.forward(t.select(1, mask + 1))),
      1,
    ); // [B, masks, c]
    const [, c, high, wide] = pixels.shape;
    const logits = weights.matmul(pixels.reshape(batch, c, high * wide)).reshape(batch, masks, high, wide);
    return { logits, iou: this.#iouHead.forward(t.select(1, 0)) };
  }
}

/** Doubles the resolution from one width to the next, normalised between them. */
function upscaling(widths: number[]): Sequential {
  const last = widths.length - 2;
  return new Sequential(
    ...widths.slice(1).flatMap((out, i) => {
      const up = new ConvTranspose2d({ in: widths[i], out, kernel: 2, stride: 2 });
      return i < last ? [up, new LayerNorm2d(out), new GELU()] : [up, new GELU()];
    }),
  );
}

/** [B, C, h, w] -> [B, h·w, C] */
const flat = (grid: Tensor): Tensor => grid.reshape(grid.shape[0], grid.shape[1], -1).transpose(1, 2);
