/**
 * Low-rank updates of convolutions (Aleem et al., ISBI 2024; loralib's `ConvLoRA`):
 * W' = W + (α / r) · reshape(B·A), with A [r·k, in·k] and B [out·k, r·k].
 *
 * The product [out·k, in·k] is re-read in flat row-major order as [out, in, k, k]; it is not an unfolding of the kernel
 * along its axes. For grouped convolutions B is [out / groups · k, r·k]; a transposed convolution's weight
 * [in, out / groups, k, k] is filled in the same flat order. Of a kernel kh × kw, A has kw and B has kh in the outer sides.
 */
import { type Convolution, ConvTranspose2d, type Initialiser, Module, type WeightAdapter } from '../../nn/index.js';
import { cat, noGrad, type Tensor, zeros } from '../../torch/index.js';
import { peftError } from '../errors.js';
import type { LowRankUpdate } from '../low-rank.js';

export class ConvLora extends Module implements WeightAdapter {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly scaling: number;
  readonly #convolution: Convolution;
  readonly #path: string;

  constructor(path: string, convolution: Convolution, rank: number, alpha: number) {
    super();
    const { in: inputs, out, groups = 1 } = convolution.config;
    const [, , rows, columns] = convolution.weight.shape;
    this.#convolution = convolution;
    this.#path = path;
    this.a = this.parameter('lora_A', zeros([rank * columns, inputs * columns]));
    this.b = this.parameter('lora_B', zeros([(out / groups) * rows, rank * columns]));
    this.scaling = alpha / rank;
  }

  /** A as a linear layer's weight, B zero: the adapted network starts as the base. */
  override reset({ uniform }: Initialiser): void {
    uniform(this.a, 1 / Math.sqrt(this.a.shape[1]));
    noGrad(() => this.b.zero_());
  }

  /** The update of a weight of this shape, [out, in, kh, kw]. */
  delta(shape: readonly number[]): Tensor {
    return this.b
      .matmul(this.a)
      .mul(this.scaling)
      .view(...shape);
  }

  adapt(weight: Tensor): Tensor {
    return weight.add(this.delta(weight.shape));
  }

  /**
   * The same update as a convolution into r channels and one of 1 × 1 onto the outputs. The product's rows o·kh to o·kh + kh - 1
   * are those of the output o; so B lies in memory as [out, kh·r·kw], and A stands kh times along a diagonal.
   *
   * @throws GraftError ADAPTER_NO_PRODUCT for grouped and transposed convolutions
   */
  lowRank(): LowRankUpdate[] {
    const { groups = 1 } = this.#convolution.config;
    const { weight } = this.#convolution;
    const [out, inputs, rows, columns] = weight.shape;
    const refused =
      groups > 1 ? 'it is grouped' : this.#convolution instanceof ConvTranspose2d ? 'it is transposed' : undefined;
    if (refused)
      throw peftError('ADAPTER_NO_PRODUCT', { layer: this.#path, reason: `${refused}, which peft has no form for` });
    const [rank, width] = this.a.shape;
    const { device } = this.a;
    const diagonal = Array.from({ length: rows }, (_, i) =>
      cat([zeros([rank, i * width], { device }), this.a, zeros([rank, (rows - 1 - i) * width], { device })], 1),
    );
    return [
      {
        layer: this.#convolution,
        a: cat(diagonal).view(rows * rank, inputs, rows, columns),
        b: this.b.view(out, rows * rank, 1, 1),
        scale: this.scaling,
      },
    ];
  }

  /** Adds the update to the stored weight for good. */
  merge(): void {
    const { weight } = this.#convolution;
    weight.add_(this.delta(weight.shape));
  }
}
