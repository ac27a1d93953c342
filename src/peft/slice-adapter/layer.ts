/**
 * Adapters that look across slices (MA-SAM: Chen et al., Medical Image Analysis 2024): before and after a block's
 * attention, x + up(GELU(conv(down(norm(x))))), where the convolution of kernel 3×1×1 mixes each token with those at the
 * same place in the two neighbouring slices of the window; beyond the window's ends there are zeros.
 *
 * Names are the reference code's (`adapter_linear_down.weight`, …, the second of each with `_2`).
 */
import { type Initialiser, Module } from '../../nn/index.js';
import { gelu, layerNorm, linear, noGrad, ones, operator, type Tensor, zeros } from '../../torch/index.js';
import { peftError } from '../errors.js';

const conv2d = operator('aten::conv2d') as (
  ...values: [input: Tensor, weight: Tensor, bias: Tensor, stride: number[], padding: number[]]
) => Tensor;

interface Part {
  normWeight: Tensor;
  normBias: Tensor;
  /** [c, C] */
  down: Tensor;
  /** [c, c, 3, 1, 1] */
  convWeight: Tensor;
  convBias: Tensor;
  /** [C, c] */
  up: Tensor;
}

/** Both adapters of one block. */
export class SliceAdapter extends Module {
  readonly #slices: number;
  readonly #zeroUp: boolean;
  readonly #first: Part;
  readonly #second: Part;

  /**
   * @param inputs C, channels of the block's tokens
   * @param channels c, between the projections
   * @param slices D, in a window
   */
  constructor(inputs: number, channels: number, slices: number, zeroUp: boolean) {
    super();
    this.#slices = slices;
    this.#zeroUp = zeroUp;
    [this.#first, this.#second] = ['', '_2'].map((suffix) => ({
      normWeight: this.parameter(`adapter_norm${suffix}.weight`, ones([inputs])),
      normBias: this.parameter(`adapter_norm${suffix}.bias`, zeros([inputs])),
      down: this.parameter(`adapter_linear_down${suffix}.weight`, zeros([channels, inputs])),
      convWeight: this.parameter(`adapter_conv${suffix}.weight`, zeros([channels, channels, 3, 1, 1])),
      convBias: this.parameter(`adapter_conv${suffix}.bias`, zeros([channels])),
      up: this.parameter(`adapter_linear_up${suffix}.weight`, zeros([inputs, channels])),
    }));
  }

  /** PyTorch's defaults; the up-projections zero unless as in the reference code. */
  override reset({ uniform }: Initialiser): void {
    for (const { normWeight, normBias, down, convWeight, convBias, up } of [this.#first, this.#second]) {
      noGrad(() => [normWeight.fill_(1), normBias.zero_()]);
      const [channels, inputs] = down.shape;
      uniform(down, 1 / Math.sqrt(inputs));
      for (const part of [convWeight, convBias]) uniform(part, 1 / Math.sqrt(3 * channels));
      uniform(up, this.#zeroUp ? 0 : 1 / Math.sqrt(channels));
    }
  }

  /** @param tokens [B·D, h, w, C], before the block's attention */
  beforeAttention(tokens: Tensor): Tensor {
    return this.#apply(this.#first, tokens);
  }
  /** @param tokens [B·D, h, w, C], after the attention and its residual connection */
  afterAttention(tokens: Tensor): Tensor {
    return this.#apply(this.#second, tokens);
  }

  #apply(part: Part, tokens: Tensor): Tensor {
    const [batch, height, width, inputs] = tokens.shape;
    const slices = this.#slices;
    if (batch % slices !== 0) throw peftError('SLICES_UNEVEN', { batch, slices });
    const normed = layerNorm(tokens, part.normWeight, part.normBias, 1e-6);
    const reduced = linear(normed.reshape(-1, slices, height * width, inputs), part.down); // [B, D, h·w, c]
    // A 3×1×1 convolution over [D, h, w] is a 3×1 one over [D, h·w], for which libtorch has better kernels.
    const mixed = conv2d(reduced.permute(0, 3, 1, 2), part.convWeight.squeeze(-1), part.convBias, [1, 1], [1, 0]);
    const activated = gelu(mixed).permute(0, 2, 3, 1); // [B, D, h·w, c]
    return tokens.add(linear(activated, part.up).reshape(batch, height, width, inputs));
  }
}
