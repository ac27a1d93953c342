/**
 * Segment Anything (Kirillov et al. 2023, arXiv 2304.02643) with segment-anything's parameter names. Images are taken as
 * they are: what segment-anything does before (mean and deviation of colours, padding) belongs to the preprocessing.
 */
import { Module } from '../../nn/index.js';
import { operator, type Tensor } from '../../torch/index.js';
import { checkedConfig, type SamConfig } from './config.js';
import { ImageEncoder } from './image-encoder.js';
import { MaskDecoder, type MaskPrediction } from './mask-decoder.js';
import { PromptEncoder, type Prompts } from './prompt-encoder.js';

const upsample = operator('aten::upsample_bilinear2d') as (
  input: Tensor,
  size: number[],
  alignCorners: boolean,
  scaleH: null,
  scaleW: null,
) => Tensor;

export interface PromptedPrediction {
  /**
   * float32 [B, masks, imageSize, imageSize]; above 0 is inside. Of the stock head's four, the first is for prompts that
   * say clearly what is meant, the other three are its suggestions for prompts that do not.
   */
  logits: Tensor;
  /** float32 [B, masks] */
  iou: Tensor;
  /** The decoder's own resolution; the stock head's can be given back as a prompt's mask. */
  lowResolution: Tensor;
}

export class Sam extends Module {
  readonly config: SamConfig;
  readonly imageEncoder: ImageEncoder;
  readonly promptEncoder: PromptEncoder;
  readonly maskDecoder: MaskDecoder;

  /** @throws GraftError SAM_CONFIG */
  constructor(config: SamConfig) {
    super();
    this.config = checkedConfig(config);
    this.imageEncoder = this.child('image_encoder', new ImageEncoder(config));
    this.promptEncoder = this.child('prompt_encoder', new PromptEncoder(config));
    this.maskDecoder = this.child('mask_decoder', new MaskDecoder(config));
  }

  /** @param images float32 [B, 3, imageSize, imageSize] @returns embeddings [B, promptDim, imageSize/16, imageSize/16] */
  encode(images: Tensor): Tensor {
    return this.imageEncoder.forward(images);
  }

  /**
   * Masks of the classes (or the stock head's four), without a prompt.
   *
   * @param embeddings of `encode`
   * @returns logits [B, classes + 1, imageSize, imageSize], background first, and iou [B, classes + 1]
   */
  decode(embeddings: Tensor): MaskPrediction {
    const { promptEncoder } = this;
    return this.maskDecoder.forward(embeddings, promptEncoder.imagePositions(), promptEncoder.forward({}));
  }

  /** `encode` and `decode` together. @param images float32 [B, 3, imageSize, imageSize] */
  forward(images: Tensor): MaskPrediction & { embeddings: Tensor } {
    const embeddings = this.encode(images);
    return { ...this.decode(embeddings), embeddings };
  }

  /**
   * Masks for prompts, with either head.
   *
   * @param embeddings of `encode`: one image for all prompts, or as many images as prompts
   * @throws GraftError SAM_PROMPT
   */
  predict(embeddings: Tensor, prompts: Prompts): PromptedPrediction {
    const { promptEncoder } = this;
    const places = promptEncoder.imagePositions();
    const { logits, iou } = this.maskDecoder.forward(embeddings, places, promptEncoder.forward(prompts));
    const size = [this.config.imageSize, this.config.imageSize];
    const full = logits.shape[3] === size[1] ? logits : upsample(logits, size, false, null, null);
    return { logits: full, iou, lowResolution: logits };
  }
}
