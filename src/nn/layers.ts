/** Layers with PyTorch's names, defaults and initial values. Images are float32 [B, C, H, W]. */
import {
  batchNorm,
  type ConvOptions,
  conv2d,
  convTranspose2d,
  ones,
  relu,
  type Sides,
  scope,
  type Tensor,
  zeros,
} from '../torch/index.js';
import { type Initialiser, Module } from './module.js';

/** A layer from one tensor to one tensor. */
export abstract class Layer extends Module {
  abstract forward(input: Tensor): Tensor;
}

/**
 * Runs layers one after another. What lies between them is freed at once, but for what a backward pass needs of it: a scope
 * of the caller's would hold it until it ends.
 */
export function inTurn(layers: readonly Layer[], input: Tensor): Tensor {
  let x = input;
  for (const layer of layers) {
    const next = scope(() => layer.forward(x));
    if (x !== input && x !== next) x.dispose();
    x = next;
  }
  return x;
}

/** Changes a convolution's weight on its way into the operator; the stored weight stays as it is. */
export interface WeightAdapter {
  /** @param weight the stored weight @returns the weight to convolve with, of the same shape */
  adapt(weight: Tensor): Tensor;
}

interface ConvolutionConfig extends ConvOptions {
  in: number;
  out: number;
  kernel: Sides;
  bias?: boolean;
}

/** What ordinary and transposed convolutions share; `weight` is [out, in / groups, kh, kw] or [in, out / groups, kh, kw]. */
export abstract class Convolution extends Layer {
  readonly config: ConvolutionConfig;
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** Set while an adapter is attached. */
  adapter: WeightAdapter | undefined;

  constructor(config: ConvolutionConfig, weightShape: [number, number]) {
    super();
    this.config = config;
    const { kernel } = config;
    const sides = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    this.weight = this.parameter('weight', zeros([...weightShape, ...sides]));
    this.bias = (config.bias ?? true) ? this.parameter('bias', zeros([config.out])) : undefined;
  }

  /** kaiming_uniform(a = √5), which is uniform within 1/√fan_in. */
  override reset({ uniform }: Initialiser): void {
    const [, fan, rows, columns] = this.weight.shape;
    const bound = 1 / Math.sqrt(fan * rows * columns);
    uniform(this.weight, bound);
    if (this.bias) uniform(this.bias, bound);
  }

  protected effectiveWeight(): Tensor {
    return this.adapter ? this.adapter.adapt(this.weight) : this.weight;
  }
}

/** Convolution with a square kernel: float32 [B, in, H, W] -> [B, out, H', W']. */
export class Conv2d extends Convolution {
  constructor(config: ConvolutionConfig) {
    super(config, [config.out, config.in / (config.groups ?? 1)]);
  }
  override forward(input: Tensor): Tensor {
    return conv2d(input, this.effectiveWeight(), this.bias, this.config);
  }
}

/** Transposed convolution with a square kernel: float32 [B, in, H, W] -> [B, out, H', W']. */
export class ConvTranspose2d extends Convolution {
  constructor(config: ConvolutionConfig) {
    super(config, [config.in, config.out / (config.groups ?? 1)]);
  }
  override forward(input: Tensor): Tensor {
    return convTranspose2d(input, this.effectiveWeight(), this.bias, this.config);
  }
}

/**
 * Batch normalisation of float32 [B, channels, H, W] (Ioffe & Szegedy 2015). `training` (batch statistics, running ones
 * moved) is a property of each layer, so that a policy can be applied to some layers only; it starts false.
 */
export class BatchNorm2d extends Layer {
  readonly eps = 1e-5;
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  training = false;
  momentum = 0.1;

  constructor(channels: number) {
    super();
    this.weight = this.parameter('weight', ones([channels]));
    this.bias = this.parameter('bias', zeros([channels]));
    this.runningMean = this.buffer('running_mean', zeros([channels]));
    this.runningVar = this.buffer('running_var', ones([channels]));
  }
  override forward(input: Tensor): Tensor {
    const { eps, momentum } = this;
    const [b, , h, w] = input.shape;
    // A single value has no variance: a lone small slice may come down to one pixel, and counts by the running ones.
    const training = this.training && b * h * w > 1;
    return batchNorm(input, this.weight, this.bias, this.runningMean, this.runningVar, { training, momentum, eps });
  }
}

/** max(x, 0) of every element. */
export class ReLU extends Layer {
  override forward(input: Tensor): Tensor {
    return relu(input);
  }
}

/** Keeps a place in a `Sequential`, where the reference code has an optional layer. */
export class Identity extends Layer {
  override forward(input: Tensor): Tensor {
    return input;
  }
}

/** Layers one after another, named by their positions: `0`, `1`, … */
export class Sequential extends Layer {
  readonly layers: Layer[];
  constructor(...layers: Layer[]) {
    super();
    this.layers = layers.map((layer, i) => this.child(String(i), layer));
  }
  override forward(input: Tensor): Tensor {
    return inTurn(this.layers, input);
  }
}
