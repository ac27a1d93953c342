/**
 * The map at half resolution that deep supervision trains beside the network's own (Lee et al. 2015; in nnU-Net one of
 * `decoder.seg_layers`), as an early head: it segments from all decoder stages but the last.
 */
import { Conv2d, Module } from '../../nn/index.js';
import { noGrad, operator, type Tensor, tensor } from '../../torch/index.js';
import type { EarlyHead } from '../family.js';
import type { PlainFeatures, PlainUNet } from './plain-unet.js';

const upsample = operator('aten::upsample_bilinear2d') as (x: Tensor, size: number[], corners: boolean) => Tensor;

export class CoarseHead extends Module implements EarlyHead<PlainFeatures> {
  readonly level = 0;
  readonly segmentation: Conv2d;
  readonly #network: PlainUNet;

  constructor(network: PlainUNet) {
    super();
    const { stages, classes } = network.config;
    this.#network = network;
    this.segmentation = this.child('segmentation', new Conv2d({ in: stages[1].features, out: classes + 1, kernel: 1 }));
  }

  /** @returns logits [B, classes + 1, H, W] of the images without their padding, background first */
  read(features: PlainFeatures): Tensor {
    const { stages } = this.#network.config;
    const coarse = this.segmentation.forward(this.#network.decode(features, stages.length - 2));
    const [, , h, w] = features.maps[0].shape;
    return this.#network.withoutPadding(upsample(coarse, [h, w], false), features);
  }

  /** @param values one for each map */
  shift(values: readonly number[]): void {
    const bias = this.segmentation.bias!;
    noGrad(() => bias.add_(tensor(values, [values.length], { device: bias.device })));
  }
}
