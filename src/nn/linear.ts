/** Layers of transformers with PyTorch's names, defaults and initial values. Tokens are float32 [..., channels]. */
import { gelu, layerNorm, linear, ones, type Tensor, zeros } from '../torch/index.js';
import { Layer } from './layers.js';
import { type Initialiser, Module } from './module.js';

/** Computes a linear layer in its place, from the stored weight and what the adapter learned. */
export interface LinearAdapter {
  /** @param input [..., in] @returns [..., out] */
  forward(input: Tensor, layer: Linear): Tensor;
}

/** A linear layer: float32 [..., in] -> [..., out]. */
export class Linear extends Layer {
  /** [out, in] */
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** Set while an adapter is attached. */
  adapter: LinearAdapter | undefined;

  constructor(inputs: number, out: number, { bias = true } = {}) {
    super();
    this.weight = this.parameter('weight', zeros([out, inputs]));
    this.bias = bias ? this.parameter('bias', zeros([out])) : undefined;
  }

  /** kaiming_uniform(a = √5), which is uniform within 1/√in. */
  override reset({ uniform }: Initialiser): void {
    const bound = 1 / Math.sqrt(this.weight.shape[1]);
    uniform(this.weight, bound);
    if (this.bias) uniform(this.bias, bound);
  }

  override forward(input: Tensor): Tensor {
    return this.adapter ? this.adapter.forward(input, this) : this.plain(input);
  }

  /** The stored layer alone, without an adapter. */
  plain(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias);
  }
}

/** Normalises the last dimension: float32 [..., channels]. */
export class LayerNorm extends Layer {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps: number;
  constructor(channels: number, { eps = 1e-5 } = {}) {
    super();
    this.weight = this.parameter('weight', ones([channels]));
    this.bias = this.parameter('bias', zeros([channels]));
    this.eps = eps;
  }
  override forward(input: Tensor): Tensor {
    return layerNorm(input, this.weight, this.bias, this.eps);
  }
}

/** Normalises the channels of an image [B, C, H, W] at every pixel. */
export class LayerNorm2d extends Layer {
  readonly #norm: LayerNorm;
  constructor(channels: number) {
    super();
    this.#norm = new LayerNorm(channels, { eps: 1e-6 });
    this.adopt(this.#norm);
  }
  override forward(input: Tensor): Tensor {
    return this.#norm.forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2); // [B, C, H, W]
  }
}

/** The exact form, with the error function. */
export class GELU extends Layer {
  override forward(input: Tensor): Tensor {
    return gelu(input);
  }
}

/** A table of vectors: `weight` [count, channels]. */
export class Embedding extends Module {
  readonly weight: Tensor;
  constructor(count: number, channels: number) {
    super();
    this.weight = this.parameter('weight', zeros([count, channels]));
  }
  /** Standard normal. */
  override reset({ normal }: Initialiser): void {
    normal(this.weight, 1);
  }
}
