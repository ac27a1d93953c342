/**
 * Segment Anything (Kirillov et al. 2023, arXiv 2304.02643) with segment-anything's parameter names. Images are taken as
 * they are: what segment-anything does before (mean and deviation of colours, padding) belongs to the preprocessing.
 */
import { Module } from '../../nn/index.js';
import { operator, type Tensor } from '../../torch/index.js';
import type { EncoderStages, PromptedPrediction, Prompts, SegmentationNetwork } from '../family.js';
import { checkedConfig, patchSize, type SamConfig } from './config.js';
import { ImageEncoder } from './image-encoder.js';
import { MaskDecoder, type MaskPrediction } from './mask-decoder.js';
import { PromptEncoder } from './prompt-encoder.js';
import { padWithMean } from './published.js';

const upsample = operator('aten::upsample_bilinear2d') as (
  input: Tensor,
  size: number[],
  alignCorners: boolean,
  scaleH: null,
  scaleW: null,
) => Tensor;

export class Sam extends Module implements SegmentationNetwork<Tensor> {
  readonly config: SamConfig;
  readonly background = 'channel';
  readonly memoryFormat = 'contiguous';
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

  get input() {
    return { channels: 3, multiple: patchSize, side: this.config.imageSize };
  }
  get classes(): number {
    return this.config.classes ?? 0;
  }

  /** Patches, blocks, neck. */
  get stages(): EncoderStages {
    const { imageEncoder } = this;
    return {
      chain: [
        (images) => imageEncoder.embed(images),
        ...imageEncoder.stages.map((stage) => (tokens: Tensor) => stage.forward(tokens)),
        (tokens) => imageEncoder.finish(tokens),
      ],
      stageOf(name) {
        const path = name.match(/^image_encoder\.(?:blocks\.(\d+)|(neck))?/);
        if (!path) return undefined;
        if (path[2]) return imageEncoder.stages.length + 1;
        // What is not a block's own, such as factors that all blocks share, counts as the first stage's.
        return path[1] === undefined ? 0 : Number(path[1]) + 1;
      },
    };
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

  /** @param embeddings of `encode` @returns [B, classes + 1, imageSize, imageSize], background first */
  logits(embeddings: Tensor): Tensor {
    return this.decode(embeddings).logits;
  }

  /** `encode` and `decode` together. @param images float32 [B, 3, imageSize, imageSize] */
  forward(images: Tensor): MaskPrediction & { embeddings: Tensor } {
    const embeddings = this.encode(images);
    return { ...this.decode(embeddings), embeddings };
  }

  /**
   * Masks for prompts, with either head.
   *
   * @param embeddings float32 [1 or B, promptDim, imageSize/16, imageSize/16], as `encode` gives them: one image for all B
   *   prompts, or as many images as prompts
   * @throws GraftError SAM_PROMPT
   */
  prompted(embeddings: Tensor, prompts: Prompts): PromptedPrediction {
    const { promptEncoder } = this;
    const places = promptEncoder.imagePositions();
    const { logits, iou } = this.maskDecoder.forward(embeddings, places, promptEncoder.forward(prompts));
    const size = [this.config.imageSize, this.config.imageSize];
    const full = logits.shape[3] === size[1] ? logits : upsample(logits, size, false, null, null);
    return { logits: full, iou, lowResolution: logits };
  }

  /** As segment-anything pads: with the mean colour. */
  pad(images: Tensor, shown: readonly [number, number]): Tensor {
    return padWithMean(images, shown);
  }
}
