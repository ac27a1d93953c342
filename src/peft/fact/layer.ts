/**
 * FacT-TT (Jie & Deng, AAAI 2023): the updates of all blocks' weights as one tensor in tensor-train form. Two factors are
 * shared by all blocks, U [r, C] and V [C, r], and each block has small ones of its own for q and v:
 * ΔW = s·V·Σ·U with Σ [r, r], so that x gets s·V·dropout(Σ·U·x) more.
 *
 * The names `FacTu`, `FacTv`, `q_FacTs` and `v_FacTs` are those of MA-SAM's and FLAP-SAM's code.
 */
import { type Initialiser, type Linear, type LinearAdapter, Module } from '../../nn/index.js';
import { linear, noGrad, type Tensor, zeros } from '../../torch/index.js';
import { Dropout } from '../dropout.js';

const uniformAsLinear = ({ uniform }: Initialiser, weight: Tensor) => uniform(weight, 1 / Math.sqrt(weight.shape[1]));

/** What the blocks share. */
export class FactShared extends Module {
  /** [r, C] */
  readonly u: Tensor;
  /** [C, r] */
  readonly v: Tensor;

  constructor(channels: number, rank: number) {
    super();
    this.u = this.parameter('FacTu.weight', zeros([rank, channels]));
    this.v = this.parameter('FacTv.weight', zeros([channels, rank]));
  }
  /** V zero: the adapted network starts as the base. */
  override reset(random: Initialiser): void {
    uniformAsLinear(random, this.u);
    noGrad(() => this.v.zero_());
  }
  /** The blocks' pieces are merged with it. */
  merge(): void {}
}

/** A block's own part, on its fused q, k and v. */
export class FactBlock extends Module implements LinearAdapter {
  readonly dropout: Dropout;
  readonly #shared: FactShared;
  readonly #layer: Linear;
  readonly #scale: number;
  /** Σ [r, r] with the first of the C rows of the fused weight that it changes. */
  readonly #inner: { start: number; sigma: Tensor }[];

  constructor(path: string, layer: Linear, shared: FactShared, { scale, dropout }: { scale: number; dropout: number }) {
    super();
    const [rank, channels] = shared.u.shape;
    this.#shared = shared;
    this.#layer = layer;
    this.#scale = scale;
    this.dropout = new Dropout(dropout, path);
    this.#inner = (['q', 'v'] as const).map((letter) => ({
      start: letter === 'q' ? 0 : 2 * channels,
      sigma: this.parameter(`${letter}_FacTs.weight`, zeros([rank, rank])),
    }));
  }

  override reset(random: Initialiser): void {
    for (const { sigma } of this.#inner) uniformAsLinear(random, sigma);
  }

  forward(input: Tensor, layer: Linear): Tensor {
    const { u, v } = this.#shared;
    const output = layer.plain(input);
    const reduced = linear(input, u); // [..., r]
    for (const { start, sigma } of this.#inner) {
      const inner = this.dropout.apply(linear(reduced, sigma)).mul(this.#scale);
      output.narrow(-1, start, v.shape[0]).add_(linear(inner, v));
    }
    return output;
  }

  merge(): void {
    const { u, v } = this.#shared;
    for (const { start, sigma } of this.#inner)
      this.#layer.weight.narrow(0, start, v.shape[0]).add_(v.matmul(sigma).matmul(u).mul(this.#scale));
  }
}
