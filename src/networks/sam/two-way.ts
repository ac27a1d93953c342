/**
 * The mask decoder's transformer: tokens attend to themselves and to the image, and the image to the tokens
 * (Kirillov et al. 2023, Segment Anything, arXiv 2304.02643, appendix A).
 */
import { LayerNorm, Linear, Module } from '../../nn/index.js';
import { relu, scaledDotProductAttention, type Tensor } from '../../torch/index.js';
import { decoderHeads } from './config.js';
import { BlockMlp } from './mlp.js';

/** Attention between two sets of tokens; the projections may have fewer channels than the tokens. */
export class DecoderAttention extends Module {
  readonly #q: Linear;
  readonly #k: Linear;
  readonly #v: Linear;
  readonly #out: Linear;

  constructor(channels: number, inner: number) {
    super();
    this.#q = this.child('q_proj', new Linear(channels, inner));
    this.#k = this.child('k_proj', new Linear(channels, inner));
    this.#v = this.child('v_proj', new Linear(channels, inner));
    this.#out = this.child('out_proj', new Linear(inner, channels));
  }

  /** @param q [B, N, C] @param k [B, M, C] @param v [B, M, C] @returns [B, N, C] */
  forward(q: Tensor, k: Tensor, v: Tensor): Tensor {
    const attended = scaledDotProductAttention(
      intoHeads(this.#q.forward(q)),
      intoHeads(this.#k.forward(k)),
      intoHeads(this.#v.forward(v)),
    ); // [B, heads, N, d]
    const [batch, heads, count, d] = attended.shape;
    return this.#out.forward(attended.transpose(1, 2).reshape(batch, count, heads * d));
  }
}

/** [B, N, C] -> [B, heads, N, d] */
function intoHeads(tokens: Tensor): Tensor {
  const [batch, count, channels] = tokens.shape;
  return tokens.reshape(batch, count, decoderHeads, channels / decoderHeads).transpose(1, 2);
}

class TwoWayBlock extends Module {
  readonly #self: DecoderAttention;
  readonly #toImage: DecoderAttention;
  readonly #toTokens: DecoderAttention;
  readonly #mlp: BlockMlp;
  readonly #norms: LayerNorm[];
  readonly #first: boolean;

  /** @param first whether it is the first block, whose tokens are still their own places */
  constructor(channels: number, hidden: number, first: boolean) {
    super();
    this.#first = first;
    this.#self = this.child('self_attn', new DecoderAttention(channels, channels));
    this.#toImage = this.child('cross_attn_token_to_image', new DecoderAttention(channels, channels / 2));
    this.#mlp = this.child('mlp', new BlockMlp(channels, hidden, relu));
    this.#toTokens = this.child('cross_attn_image_to_token', new DecoderAttention(channels, channels / 2));
    this.#norms = [1, 2, 3, 4].map((i) => this.child(`norm${i}`, new LayerNorm(channels)));
  }

  /** @param tokens [B, T, C] @param image [B, N, C] @param places and imagePlaces are added to queries and keys */
  forward(tokens: Tensor, image: Tensor, places: Tensor, imagePlaces: Tensor): [tokens: Tensor, image: Tensor] {
    const [norm1, norm2, norm3, norm4] = this.#norms;
    let t: Tensor;
    if (this.#first) t = norm1.forward(this.#self.forward(tokens, tokens, tokens));
    else {
      const placed = tokens.add(places);
      t = norm1.forward(tokens.add(this.#self.forward(placed, placed, tokens)));
    }
    const placedImage = image.add(imagePlaces);
    t = norm2.forward(t.add(this.#toImage.forward(t.add(places), placedImage, image)));
    t = norm3.forward(t.add(this.#mlp.forward(t)));
    const seen = image.add(this.#toTokens.forward(placedImage, t.add(places), t));
    return [t, norm4.forward(seen)];
  }
}

export class TwoWayTransformer extends Module {
  readonly #layers: TwoWayBlock[];
  readonly #final: DecoderAttention;
  readonly #norm: LayerNorm;

  constructor(channels: number, hidden: number) {
    super();
    this.#layers = [0, 1].map((i) => this.child(`layers.${i}`, new TwoWayBlock(channels, hidden, i === 0)));
    this.#final = this.child('final_attn_token_to_image', new DecoderAttention(channels, channels / 2));
    this.#norm = this.child('norm_final_attn', new LayerNorm(channels));
  }

  /**
   * @param tokens [B, T, C]
   * @param image [B, N, C]
   * @param imagePlaces [1, N, C]
   * @returns both after they have seen each other
   */
  forward(tokens: Tensor, image: Tensor, imagePlaces: Tensor): [tokens: Tensor, image: Tensor] {
    let [t, i] = [tokens, image];
    for (const layer of this.#layers) [t, i] = layer.forward(t, i, tokens, imagePlaces);
    const found = this.#final.forward(t.add(tokens), i.add(imagePlaces), i);
    return [this.#norm.forward(t.add(found)), i];
  }
}
