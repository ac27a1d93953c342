/**
 * The image encoder: a vision transformer whose blocks attend within windows, but for a few that attend to the whole
 * image (Li et al. 2022, ViTDet, arXiv 2203.16527, as in segment-anything).
 */
import { Conv2d, inTurn, Layer, LayerNorm, LayerNorm2d, Sequential } from '../../nn/index.js';
import { gelu, scope, type Tensor, zeros } from '../../torch/index.js';
import { patchSize, type SamConfig } from './config.js';
import { samError } from './errors.js';
import { ImageAttention } from './image-attention.js';
import { BlockMlp } from './mlp.js';
import { fromWindows, intoWindows } from './windows.js';

/** Changes a block's tokens [B, h, w, C] on its way, such as MA-SAM's convolutions across slices. */
export interface BlockAdapter {
  beforeAttention(tokens: Tensor): Tensor;
  afterAttention(tokens: Tensor): Tensor;
}

export class ImageBlock extends Layer {
  readonly attn: ImageAttention;
  /** Set while an adapter is attached. */
  adapter: BlockAdapter | undefined;
  readonly #norm1: LayerNorm;
  readonly #norm2: LayerNorm;
  readonly #mlp: BlockMlp;
  readonly #window: number | undefined;

  /**
   * @param grid tokens on each side of the image
   * @param window tokens on each side of a window; undefined: attention to the whole image
   */
  constructor(channels: number, heads: number, grid: number, window: number | undefined) {
    super();
    this.#norm1 = this.child('norm1', new LayerNorm(channels, { eps: 1e-6 }));
    this.attn = this.child('attn', new ImageAttention(channels, heads, window ?? grid));
    this.#norm2 = this.child('norm2', new LayerNorm(channels, { eps: 1e-6 }));
    this.#mlp = this.child('mlp', new BlockMlp(channels, 4 * channels, gelu));
    this.#window = window;
  }

  /** @param input [B, h, w, C] @returns [B, h, w, C] */
  override forward(input: Tensor): Tensor {
    const { adapter } = this;
    // The scopes free what no gradient needs before the next part begins.
    const x = scope(() => {
      const seen = adapter ? adapter.beforeAttention(input) : input;
      const attended = seen.add(this.#attend(this.#norm1.forward(seen)));
      return adapter ? adapter.afterAttention(attended) : attended;
    });
    return scope(() => x.add(this.#mlp.forward(this.#norm2.forward(x))));
  }

  #attend(tokens: Tensor): Tensor {
    if (this.#window === undefined) return this.attn.forward(tokens);
    const [, height, width] = tokens.shape;
    return fromWindows(this.attn.forward(intoWindows(tokens, this.#window)), height, width);
  }
}

export class ImageEncoder extends Layer {
  /** The blocks in their order, from tokens to tokens; a trainer may run them one by one. */
  readonly stages: ImageBlock[];
  /** [1, h, w, C] */
  readonly positions: Tensor;
  readonly #patches: Conv2d;
  readonly #neck: Sequential;
  readonly #imageSize: number;

  constructor({ imageSize, embedDim, depth, heads, globalAttention, window, promptDim }: SamConfig) {
    super();
    this.#imageSize = imageSize;
    const grid = imageSize / patchSize;
    this.#patches = this.child(
      'patch_embed.proj',
      new Conv2d({ in: 3, out: embedDim, kernel: patchSize, stride: patchSize }),
    );
    this.positions = this.parameter('pos_embed', zeros([1, grid, grid, embedDim]));
    this.stages = Array.from({ length: depth }, (_, i) => {
      const within = globalAttention.includes(i) ? undefined : window;
      return this.child(`blocks.${i}`, new ImageBlock(embedDim, heads, grid, within));
    });
    this.#neck = this.child(
      'neck',
      new Sequential(
        new Conv2d({ in: embedDim, out: promptDim, kernel: 1, bias: false }),
        new LayerNorm2d(promptDim),
        new Conv2d({ in: promptDim, out: promptDim, kernel: 3, padding: 1, bias: false }),
        new LayerNorm2d(promptDim),
      ),
    );
  }

  /**
   * The first tokens.
   *
   * @param images float32 [B, 3, imageSize, imageSize] @returns [B, h, w, C]
   * @throws GraftError SAM_INPUT_SIZE
   */
  embed(images: Tensor): Tensor {
    const [, channels, height, width] = images.shape;
    const size = this.#imageSize;
    if (channels !== 3 || height !== size || width !== size)
      throw samError('SAM_INPUT_SIZE', { size, shape: images.shape.join(', ') });
    return this.#patches.forward(images).permute(0, 2, 3, 1).add(this.positions);
  }

  /** What follows the blocks: [B, h, w, C] -> [B, promptDim, h, w]. */
  finish(tokens: Tensor): Tensor {
    return this.#neck.forward(tokens.permute(0, 3, 1, 2));
  }

  /** @param images float32 [B, 3, imageSize, imageSize] @returns [B, promptDim, h, w], h = w = imageSize / 16 */
  override forward(images: Tensor): Tensor {
    return this.finish(inTurn(this.stages, this.embed(images)));
  }
}
