/** Places in the image as sines and cosines of random frequencies (Tancik et al. 2020, arXiv 2006.10739). */
import { type Initialiser, Module } from '../../nn/index.js';
import { cat, operator, stack, type Tensor, zeros } from '../../torch/index.js';

const sin = operator('aten::sin') as (input: Tensor) => Tensor;
const cos = operator('aten::cos') as (input: Tensor) => Tensor;
const arange = operator('aten::arange') as (end: number, options: { dtype: string; device: string }) => Tensor;

export class PositionEncoding extends Module {
  /** [2, C / 2]; not trained */
  readonly frequencies: Tensor;
  constructor(channels: number) {
    super();
    this.frequencies = this.buffer('positional_encoding_gaussian_matrix', zeros([2, channels / 2]));
  }
  /** Standard normal. */
  override reset({ normal }: Initialiser): void {
    normal(this.frequencies, 1);
  }

  /** @param places [..., 2], (x, y) in [0, 1] @returns [..., C] */
  forward(places: Tensor): Tensor {
    const angles = places
      .mul(2)
      .sub(1)
      .matmul(this.frequencies)
      .mul(2 * Math.PI);
    return cat([sin(angles), cos(angles)], -1);
  }

  /** The centres of a square grid's tokens: [1, C, size, size]. */
  grid(size: number): Tensor {
    const { dtype, device } = this.frequencies;
    const centres = arange(size, { dtype, device }).add(0.5).div(size); // [size]
    const x = centres.unsqueeze(0).expand(size, size);
    const y = centres.unsqueeze(1).expand(size, size);
    return this.forward(stack([x, y], -1))
      .permute(2, 0, 1)
      .unsqueeze(0);
  }
}
