/** Updates of weights in the form that other programs know, such as the Python package peft: W' = W + scale · B·A. */
import type { Module } from '../nn/index.js';
import type { Tensor } from '../torch/index.js';

export interface LowRankUpdate {
  layer: Module & { readonly weight: Tensor };
  /** [r, in] of a linear layer, [r, in, kh, kw] of a convolution */
  a: Tensor;
  /** [out, r], [out, r, 1, 1] */
  b: Tensor;
  scale: number;
}

/** What it adds to the weight, in the weight's shape. */
export const changeOf = ({ layer: { weight }, a, b, scale }: LowRankUpdate): Tensor => {
  const [rank] = a.shape;
  return b
    .reshape(-1, rank)
    .matmul(a.reshape(rank, -1))
    .mul(scale)
    .view(...weight.shape);
};
