/**
 * The early segmentation head: a small network that segments from one encoder block's features alone, so that a loss
 * against the whole network's prediction reaches the encoder without passing the decoder (Sheikh & Schultz, MIDL 2022).
 */
import { BatchNorm2d, Conv2d, Module } from '../../nn/index.js';
import { noGrad, relu, type Tensor, tensor, upsampleBilinear } from '../../torch/index.js';
import type { EarlyHead as Head } from '../family.js';

export class EarlyHead extends Module implements Head<readonly Tensor[]> {
  readonly #conv1: Conv2d;
  readonly #bn1: BatchNorm2d;
  readonly #conv2: Conv2d;
  readonly #bn2: BatchNorm2d;
  readonly #conv3: Conv2d;
  readonly level: number;

  /** @param level which encoder block it reads: 0 `init_path` … 3 `down3` */
  constructor(level: number, { filters, outChannels }: { filters: number; outChannels: number }) {
    super();
    this.level = level;
    const conv = (name: string, from: number, to: number) =>
      this.child(name, new Conv2d({ in: from, out: to, kernel: 3, padding: 1 }));
    this.#conv1 = conv('conv1', filters * 2 ** level, 12);
    this.#bn1 = this.child('bn1', new BatchNorm2d(12));
    this.#conv2 = conv('conv2', 12, 8);
    this.#bn2 = this.child('bn2', new BatchNorm2d(8));
    this.#conv3 = conv('conv3', 8, outChannels);
  }

  /** @param features of its block, [B, filters·2^level, h, w] @returns logits [B, outChannels, h·2^level, w·2^level] */
  forward(features: Tensor): Tensor {
    let x = relu(this.#bn1.forward(this.#conv1.forward(features))); // [B, 12, h, w]
    x = relu(this.#bn2.forward(this.#conv2.forward(x))); // [B, 8, h, w]
    x = this.#conv3.forward(x); // [B, outChannels, h, w]
    return this.level === 0 ? x : upsampleBilinear(x, 2 ** this.level);
  }
  /** @param features of `UNet2D.encode` */
  read(features: readonly Tensor[]): Tensor {
    return this.forward(features[this.level]);
  }

  /** Adds to the logits of each class. @param values one for each class */
  shift(values: readonly number[]): void {
    const bias = this.#conv3.bias!;
    noGrad(() => bias.add_(tensor(values, [values.length], { device: bias.device })));
  }
}
