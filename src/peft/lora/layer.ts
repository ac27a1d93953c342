/**
 * Low-rank updates of linear layers: LoRA (Hu et al., 2022), W' = W + s·B·A with A [r, in] and B [out, r]; several of
 * them with learned mixing weights, W' = W + s·Σᵢ αᵢ·Bᵢ·Aᵢ with α = softmax(sigmoid(`lora_scale`)), as in FLAP-SAM; and
 * DoRA (Liu et al., 2024), W' = m ∘ (W + s·B·A) / ‖W + s·B·A‖ with the norm and m [1, in] of columns.
 *
 * In the forward pass everything is thin: (x·Aᵀ)·Bᵀ and, for DoRA's norms, BᵀW and BᵀB; a dense product of the factors
 * is only made for merging. One update may change some rows of a layer, such as q's in a fused q, k and v.
 */
import type { z } from 'zod';
import { type Initialiser, type Linear, type LinearAdapter, Module } from '../../nn/index.js';
import { cat, linear, softmax, type Tensor, zeros } from '../../torch/index.js';
import { Dropout } from '../dropout.js';
import { peftError } from '../errors.js';
import type { LowRankUpdate } from '../low-rank.js';
import type { loraSchema } from './config.js';

/** Some rows of a linear layer's output, with what tells the names of their factors apart: `_q`, or nothing. */
export interface LoraTarget {
  readonly layer: Linear;
  readonly suffix: string;
  readonly start: number;
  readonly rows: number;
}

type LoraSettings = Omit<z.output<typeof loraSchema>, 'targets' | 'dropout'> & { dropout: number };

interface Update extends LoraTarget {
  /** [r, in] each */
  readonly a: Tensor[];
  /** [rows, r] each */
  readonly b: Tensor[];
  /** m [1, in]; DoRA only */
  readonly magnitude: Tensor | undefined;
}

/** ‖W‖² of each column: [1, in] */
const squares = (weight: Tensor) => weight.mul(weight).sum([0], true);

export class Lora extends Module implements LinearAdapter {
  readonly dropout: Dropout;
  readonly #updates: Update[];
  readonly #config: LoraSettings;
  readonly #path: string;
  /** [count], what the mixing weights are made of; where there is one update its weight is 1 */
  readonly #mixing: Tensor | undefined;

  constructor(path: string, targets: LoraTarget[], config: LoraSettings) {
    super();
    const { rank, count, kind, dropout } = config;
    this.#config = config;
    this.#path = path;
    this.dropout = new Dropout(dropout, path);
    this.#mixing = count > 1 ? this.parameter('lora_scale', zeros([count])) : undefined;
    this.#updates = targets.map((target) => {
      const { layer, rows, suffix } = target;
      const inputs = layer.weight.shape[1];
      const factors = (name: string, shape: number[]) =>
        Array.from({ length: count }, (_, i) => this.parameter(`lora_w_${name}${suffix}.${i}.weight`, zeros(shape)));
      return {
        ...target,
        magnitude: kind === 'dora' ? this.parameter(`dora_m${suffix}`, zeros([1, inputs])) : undefined,
        a: factors('a', [rank, inputs]),
        b: factors('b', [rows, rank]),
      };
    });
  }

  /** A as a linear layer's weight; B zero or, as in the reference code, a linear layer's, too. m are W's norms. */
  override reset({ uniform, normal }: Initialiser): void {
    if (this.#mixing) normal(this.#mixing, 1);
    for (const update of this.#updates) {
      for (const a of update.a) uniform(a, 1 / Math.sqrt(a.shape[1]));
      for (const b of update.b) uniform(b, this.#config.init === 'reference' ? 1 / Math.sqrt(b.shape[1]) : 0);
      update.magnitude?.copy_(squares(weightOf(update)).sqrt());
    }
  }

  forward(input: Tensor, layer: Linear): Tensor {
    const output = layer.plain(input); // [..., out]
    // As rows, so that libtorch takes the same kernel whether or not the factors require a gradient.
    const rows = input.reshape(-1, input.shape[input.rank - 1]); // [N, in]
    for (const update of this.#updates) {
      if (update.layer !== layer) continue;
      const place = output.narrow(-1, update.start, update.rows); // [..., rows]
      place.add_(this.#change(update, rows).reshape(...place.shape));
    }
    return output;
  }

  /** s·αᵢ for each update. @param scale s */
  #weights(scale = this.#config.scale): (Tensor | number)[] {
    if (!this.#mixing) return [scale];
    const mixed = softmax(this.#mixing.sigmoid(), 0).mul(scale);
    return Array.from({ length: mixed.size }, (_, i) => mixed.select(0, i));
  }

  /** What the update adds to its rows of the output: [N, in] -> [N, rows] */
  #change(update: Update, input: Tensor): Tensor {
    const { a, b, magnitude } = update;
    const thin = (x: Tensor) => {
      const seen = this.dropout.apply(x);
      return this.#weights()
        .map((weight, i) => linear(linear(seen, a[i]).mul(weight), b[i]))
        .reduce((sum, each) => sum.add(each));
    };
    if (!magnitude) return thin(input);
    // W' = (W + s·B·A)·diag(c), so x·W'ᵀ - x·Wᵀ = (x∘(c - 1))·Wᵀ + s·((x∘c)·Aᵀ)·Bᵀ.
    const c = magnitude.div(this.#thinNorms(update));
    return linear(input.mul(c.sub(1)), weightOf(update)).add(thin(input.mul(c)));
  }

  /** ‖W + s·B·A‖ of each column, [1, in], from ‖W‖² + 2s·diag(AᵀBᵀW) + s²·diag(AᵀBᵀBA). */
  #thinNorms(update: Update): Tensor {
    const { scale } = this.#config;
    const weight = weightOf(update);
    const [a, b] = [update.a[0], update.b[0].transpose(0, 1)]; // [r, in], [r, rows]
    const cross = b.matmul(weight).mul(2 * scale); // [r, in]
    const own = b
      .matmul(b.transpose(0, 1))
      .matmul(a)
      .mul(scale * scale); // [r, in]
    return squares(weight)
      .add(a.mul(cross.add(own)).sum([0], true))
      .sqrt();
  }

  /**
   * The updates of a layer as one: their factors A stand one below the other, and their factors B side by side, each in its
   * rows. The mixing weights go into B.
   *
   * @throws GraftError ADAPTER_NO_PRODUCT for DoRA
   */
  lowRank(): LowRankUpdate[] {
    if (this.#config.kind === 'dora')
      throw peftError('ADAPTER_NO_PRODUCT', {
        layer: this.#path,
        reason: 'its DoRA scales the columns of a weight, and that of peft the rows',
      });
    const shares = this.#weights(1);
    const layers = new Set(this.#updates.map(({ layer }) => layer));
    return [...layers].map((layer) => {
      const updates = this.#updates.filter((update) => update.layer === layer);
      const [rows] = layer.weight.shape;
      const placed = updates.flatMap(({ b, start, rows: own }) =>
        b.map((one, i) => {
          const [, rank] = one.shape;
          const { device } = one;
          const rest = rows - start - own;
          return cat([zeros([start, rank], { device }), one.mul(shares[i]), zeros([rest, rank], { device })]); // [out, r]
        }),
      );
      return { layer, a: cat(updates.flatMap(({ a }) => a)), b: cat(placed, 1), scale: this.#config.scale };
    });
  }

  merge(): void {
    for (const update of this.#updates) {
      const weight = weightOf(update);
      this.#weights().forEach((alpha, i) => {
        weight.add_(update.b[i].matmul(update.a[i]).mul(alpha));
      });
      if (update.magnitude) weight.mul_(update.magnitude.div(squares(weight).sqrt()));
    }
  }
}

/** The rows of the stored weight: [rows, in] */
const weightOf = ({ layer, start, rows }: LoraTarget): Tensor => layer.weight.narrow(0, start, rows);
