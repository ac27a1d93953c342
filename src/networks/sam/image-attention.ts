/**
 * Attention over a grid of tokens with decomposed relative positions (Li et al. 2022, MViTv2, arXiv 2112.01526, eq. 4):
 * the logit of query (y, x) for key (y', x') is q·k / √d + q·Rh[y - y'] + q·Rw[x - x'].
 *
 * The two terms of position ride along in the dot product: the query gets the channels q·Rh and q·Rw, one for each row
 * and each column, and the key a one for its own row and column. So the fused operator computes it and the matrix of
 * all pairs is never stored. The result is the same up to rounding.
 *
 * What it costs beside the form with the matrix, on one CPU core with 64 channels a head: at 14×14 tokens 10 % less time
 * in the forward pass and 20 % more with the backward pass, which is 1 to 2 % of a block, for as much memory; at 64×64
 * tokens 30 % less and 40 % more time, and a fifth of the memory that is kept between the two. At 8×8 and below there is
 * no difference. So there is one form for all sizes.
 */
import { Linear, Module } from '../../nn/index.js';
import { cat, operator, scaledDotProductAttention, type Tensor, zeros } from '../../torch/index.js';

const einsum = operator('aten::einsum') as (equation: string, operands: Tensor[]) => Tensor;
const unfold = operator('aten::unfold') as (input: Tensor, dim: number, size: number, step: number) => Tensor;
const eye = operator('aten::eye') as (n: number, options: { dtype: string; device: string }) => Tensor;
const pad = operator('aten::constant_pad_nd') as (input: Tensor, by: number[], value: number) => Tensor;

export class ImageAttention extends Module {
  readonly heads: number;
  readonly qkv: Linear;
  readonly proj: Linear;
  /** [2·size - 1, d]: row i is for a query i - (size - 1) rows below its key. */
  readonly relPosH: Tensor;
  readonly relPosW: Tensor;

  /**
   * @param channels of a token
   * @param heads divides the channels
   * @param size tokens on each side of the grid
   */
  constructor(channels: number, heads: number, size: number) {
    super();
    this.heads = heads;
    this.qkv = this.child('qkv', new Linear(channels, 3 * channels));
    this.proj = this.child('proj', new Linear(channels, channels));
    this.relPosH = this.parameter('rel_pos_h', zeros([2 * size - 1, channels / heads]));
    this.relPosW = this.parameter('rel_pos_w', zeros([2 * size - 1, channels / heads]));
  }

  /** @param tokens [B, size, size, C] @returns [B, size, size, C] */
  forward(tokens: Tensor): Tensor {
    const [batch, height, width, channels] = tokens.shape;
    const qkv = this.qkv
      .forward(tokens)
      .reshape(batch, height * width, 3, this.heads, channels / this.heads)
      .permute(2, 0, 3, 1, 4); // [3, B, heads, N, d]
    const [q, k, v] = [0, 1, 2].map((part) => qkv.select(0, part));
    const attended = attendWithPositions(q, k, v, this.relPosH, this.relPosW);
    return this.proj.forward(attended.transpose(1, 2).reshape(batch, height, width, channels));
  }
}

/**
 * @param q [B, heads, N, d], tokens of a square grid row by row; k and v alike
 * @param relPosH [2·√N - 1, d]; relPosW alike
 * @returns [B, heads, N, d]
 */
export function attendWithPositions(q: Tensor, k: Tensor, v: Tensor, relPosH: Tensor, relPosW: Tensor): Tensor {
  const [batch, heads, count, d] = q.shape;
  const size = Math.sqrt(count);
  const wide = d + 2 * size;
  const grid = q.reshape(batch, heads, size, size, d);
  const ofRows = einsum('bnhwd,hdk->bnhwk', [grid, offsets(relPosH)]);
  const ofColumns = einsum('bnhwd,wdk->bnhwk', [grid, offsets(relPosW)]);
  const positions = cat([ofRows, ofColumns], -1).reshape(batch, heads, count, 2 * size);
  // The operator divides by the root of the channels it sees, which are more than d now.
  const query = cat([q.mul(Math.sqrt(wide / d)), positions.mul(Math.sqrt(wide))], -1); // [B, heads, N, wide]
  const key = cat([k, places(size, k).expand(batch, heads, count, 2 * size)], -1); // [B, heads, N, wide]
  // Fused kernels want equally many channels everywhere.
  return scaledDotProductAttention(query, key, pad(v, [0, 2 * size], 0)).narrow(-1, 0, d);
}

/** The rows of a table that each query needs for each key: [2n - 1, d] -> [query, d, key], entry q - k + n - 1. */
function offsets(table: Tensor): Tensor {
  const size = (table.shape[0] + 1) / 2;
  return unfold(table.flip(0), 0, size, 1).flip(0);
}

/** A one for each token's row and a one for its column: [size², 2·size]. */
function places(size: number, { dtype, device }: Tensor): Tensor {
  const one = eye(size, { dtype, device });
  const rows = one.unsqueeze(1).expand(size, size, size);
  const columns = one.unsqueeze(0).expand(size, size, size);
  return cat([rows, columns], -1).reshape(size * size, 2 * size);
}
