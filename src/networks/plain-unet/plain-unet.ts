/**
 * nnU-Net's plain U-Net in two dimensions (Isensee et al. 2021; `PlainConvUNet` of `dynamic_network_architectures`), with
 * that code's parameter names. Of the maps at lower resolutions that deep supervision trains, `coarse-head.ts` has one.
 */
import { Module, Sequential } from '../../nn/index.js';
import { cat, operator, softmax, type Tensor } from '../../torch/index.js';
import type { SegmentationNetwork } from '../family.js';
import { mirrored } from '../mirrored.js';
import type { PlainUNetConfig } from './config.js';
import { ConvStack, HeConv2d, HeConvTranspose2d, type Pair } from './layers.js';
import { slidingWindow } from './sliding-window.js';

const pad = operator('aten::constant_pad_nd') as (input: Tensor, by: number[], value: number) => Tensor;

/** Feature maps of padded images, from the full resolution downwards, and where the image lies in them. */
export interface PlainFeatures {
  maps: readonly Tensor[];
  /** First row and column of the image. */
  corner: Pair;
  /** Its rows and columns. */
  size: Pair;
}

class Encoder extends Module {
  readonly stages: ConvStack[];
  constructor({ inChannels, stages, ...style }: PlainUNetConfig) {
    super();
    this.stages = stages.map(({ features, kernel, stride, convolutions: count }, level) => {
      const from = level === 0 ? inChannels : stages[level - 1].features;
      return new ConvStack({ from, to: features, kernel, stride, count }, style);
    });
    // A stage is the one entry of a sequence, which other encoders begin with a pooling.
    this.child('stages', new Sequential(...this.stages.map((stage) => new Sequential(stage))));
  }
}

/** Its stages stand in the order of computation: the deepest first. */
class Decoder extends Module {
  readonly stages: ConvStack[];
  readonly transpconvs: HeConvTranspose2d[];
  readonly segmentation: HeConv2d;
  constructor({ classes, stages, ...style }: PlainUNetConfig) {
    super();
    const { bias } = style;
    const upwards = stages.slice(0, -1).map((stage, level) => ({ ...stage, below: stages[level + 1] }));
    upwards.reverse();
    this.stages = upwards.map(({ features: to, kernel, decoding: count }) => {
      return new ConvStack({ from: 2 * to, to, kernel, stride: [1, 1], count }, style);
    });
    this.transpconvs = upwards.map(({ features: out, below: { features, stride } }) => {
      return new HeConvTranspose2d({ in: features, out, kernel: stride, stride, bias });
    });
    this.child('stages', new Sequential(...this.stages));
    this.child('transpconvs', new Sequential(...this.transpconvs));
    this.segmentation = new HeConv2d({ in: stages[0].features, out: classes + 1, kernel: 1 });
    this.child(`seg_layers.${upwards.length - 1}`, this.segmentation);
  }
}

export class PlainUNet extends Module implements SegmentationNetwork<PlainFeatures> {
  readonly config: PlainUNetConfig;
  readonly background = 'channel';
  readonly memoryFormat = 'contiguous';
  readonly #encoder: Encoder;
  readonly #decoder: Decoder;
  /** Rows and columns of padded images are multiples of these. */
  readonly #multiple: Pair;

  constructor(config: PlainUNetConfig) {
    super();
    this.config = config;
    this.#encoder = this.child('encoder', new Encoder(config));
    this.#decoder = this.child('decoder', new Decoder(config));
    const along = (axis: 0 | 1) => config.stages.reduce((product, { stride }) => product * stride[axis], 1);
    this.#multiple = [along(0), along(1)];
  }

  /** Images of any size: they are padded here. */
  get input() {
    return { channels: this.config.inChannels, multiple: 1 };
  }
  get classes(): number {
    return this.config.classes;
  }

  /**
   * Pads with zeros about the image, as nnU-Net does, until it is as large as a patch and can be halved so often.
   *
   * @param images float32 [B, inChannels, H, W], prepared intensities
   */
  encode(images: Tensor): PlainFeatures {
    const [, , h, w] = images.shape;
    const { patch } = this.config;
    const missing = [h, w].map((side, axis) => {
      const multiple = this.#multiple[axis];
      return Math.max(patch?.[axis] ?? 0, Math.ceil(side / multiple) * multiple) - side;
    });
    const [top, left] = missing.map((count) => Math.floor(count / 2));
    const around = [left, missing[1] - left, top, missing[0] - top];
    const maps: Tensor[] = [];
    for (const stage of this.#encoder.stages)
      maps.push(stage.forward(maps.at(-1) ?? (around.some((one) => one > 0) ? pad(images, around, 0) : images)));
    return { maps, corner: [top, left], size: [h, w] };
  }

  /** @returns logits [B, classes + 1, H, W] of the images without their padding, background first */
  logits(features: PlainFeatures): Tensor {
    const { stages, segmentation } = this.#decoder;
    return this.withoutPadding(segmentation.forward(this.decode(features, stages.length)), features);
  }

  /** Runs the first stages of the decoder, the deepest ones. @returns [B, features, h, w], padded */
  decode({ maps }: PlainFeatures, count: number): Tensor {
    const { stages, transpconvs } = this.#decoder;
    let x = maps.at(-1)!;
    for (const [i, stage] of stages.slice(0, count).entries())
      x = stage.forward(cat([transpconvs[i].forward(x), maps[maps.length - 2 - i]], 1));
    return x;
  }

  /** @param maps [B, C, h, w] at full resolution @returns [B, C, H, W], where the images lie in them */
  withoutPadding(maps: Tensor, { corner: [top, left], size: [h, w] }: Omit<PlainFeatures, 'maps'>): Tensor {
    return maps.narrow(2, top, h).narrow(3, left, w);
  }

  /** @param images float32 [B, inChannels, H, W] @returns logits [B, classes + 1, H, W] of all of it at once */
  forward(images: Tensor): Tensor {
    return this.logits(this.encode(images));
  }

  /**
   * Logits as nnU-Net predicts: in overlapping patches, each also mirrored.
   * @param images float32 [B, inChannels, H, W] @returns [B, classes + 1, H, W]
   */
  predictLogits(images: Tensor): Tensor {
    const { patch, mirror } = this.config;
    const seen = (part: Tensor) => mirrored(part, mirror, (one) => this.forward(one));
    return patch ? slidingWindow(images, patch, seen) : seen(images);
  }

  predict(images: Tensor): Tensor {
    return softmax(this.predictLogits(images), 1);
  }
}
