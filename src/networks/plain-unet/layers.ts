/**
 * The layers of plain U-Nets, with the names of `dynamic_network_architectures` and nnU-Net's initial values: weights
 * normal by He et al. 2015 for the leaky rectifier (`InitWeights_He`), biases 0.
 */
import { Conv2d, type Convolution, ConvTranspose2d, type Initialiser, Layer, Sequential } from '../../nn/index.js';
import { noGrad, ones, operator, type Tensor, zeros } from '../../torch/index.js';
import type { PlainUNetConfig } from './config.js';

const instanceNorm = operator('aten::instance_norm');
const leakyRelu = operator('aten::leaky_relu') as (x: Tensor, slope: number) => Tensor;

/** Of the rectifier that initial values are made for, whatever the network's own is. */
const INITIAL_SLOPE = 0.01;

function initialiseHe({ weight, bias }: Convolution, { normal }: Initialiser): void {
  const [, fan, rows, columns] = weight.shape;
  normal(weight, Math.sqrt(2 / (1 + INITIAL_SLOPE ** 2) / (fan * rows * columns)));
  if (bias) noGrad(() => bias.zero_());
}

export class HeConv2d extends Conv2d {
  override reset(random: Initialiser): void {
    initialiseHe(this, random);
  }
}

export class HeConvTranspose2d extends ConvTranspose2d {
  override reset(random: Initialiser): void {
    initialiseHe(this, random);
  }
}

/** Normalises every map of every image by its own mean and variance: [B, C, H, W]. */
export class InstanceNorm2d extends Layer {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly #eps: number;
  constructor(channels: number, eps: number) {
    super();
    this.weight = this.parameter('weight', ones([channels]));
    this.bias = this.parameter('bias', zeros([channels]));
    this.#eps = eps;
  }
  override forward(input: Tensor): Tensor {
    return instanceNorm(input, this.weight, this.bias, null, null, true, 0, this.#eps, true) as Tensor;
  }
}

/** What all blocks of a network have in common. */
export type BlockStyle = Pick<PlainUNetConfig, 'bias' | 'eps' | 'slope'>;

/** Convolution, normalisation, leaky rectifier: `ConvDropoutNormReLU` without dropout, which predictions do not have. */
class ConvBlock extends Layer {
  readonly #conv: HeConv2d;
  readonly #norm: InstanceNorm2d;
  readonly #slope: number;
  constructor(from: number, to: number, kernel: Pair, stride: Pair, { bias, eps, slope }: BlockStyle) {
    super();
    const padding: Pair = [(kernel[0] - 1) / 2, (kernel[1] - 1) / 2];
    this.#conv = this.child('conv', new HeConv2d({ in: from, out: to, kernel, stride, padding, bias }));
    this.#norm = this.child('norm', new InstanceNorm2d(to, eps));
    this.#slope = slope;
  }
  override forward(x: Tensor): Tensor {
    return leakyRelu(this.#norm.forward(this.#conv.forward(x)), this.#slope);
  }
}
export type Pair = readonly [number, number];

interface StackShape {
  from: number;
  to: number;
  kernel: Pair;
  /** Of the first block. */
  stride: Pair;
  count: number;
}

/** Blocks one after another: `StackedConvBlocks`. */
export class ConvStack extends Layer {
  readonly #convs: Sequential;
  constructor({ from, to, kernel, stride, count }: StackShape, style: BlockStyle) {
    super();
    const blocks = Array.from({ length: count }, (_, i) =>
      i === 0 ? new ConvBlock(from, to, kernel, stride, style) : new ConvBlock(to, to, kernel, [1, 1], style),
    );
    this.#convs = this.child('convs', new Sequential(...blocks));
  }
  override forward(x: Tensor): Tensor {
    return this.#convs.forward(x);
  }
}
