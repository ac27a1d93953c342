/** Points, boxes and masks as embeddings for the mask decoder. */
import { Conv2d, Embedding, GELU, LayerNorm2d, Module, Sequential } from '../../nn/index.js';
import { cat, type Tensor, zeros } from '../../torch/index.js';
import type { Prompts } from '../family.js';
import { patchSize, type SamConfig } from './config.js';
import { samError } from './errors.js';
import { PositionEncoding } from './position-encoding.js';

/** Prompts as the mask decoder reads them. */
export interface PromptEmbeddings {
  /** [B, tokens, promptDim]; undefined where there are neither points nor boxes */
  sparse: Tensor | undefined;
  /** [B, promptDim, h, w], or [1, promptDim, 1, 1] without masks */
  dense: Tensor;
}

export class PromptEncoder extends Module {
  readonly #positions: PositionEncoding;
  /** Outside, inside, the upper left and the lower right corner of a box. */
  readonly #kinds: Embedding[];
  readonly #noPoint: Embedding;
  readonly #noMask: Embedding;
  readonly #masks: Sequential;
  readonly #imageSize: number;

  constructor({ imageSize, promptDim }: SamConfig) {
    super();
    this.#imageSize = imageSize;
    this.#positions = this.child('pe_layer', new PositionEncoding(promptDim));
    this.#kinds = [0, 1, 2, 3].map((i) => this.child(`point_embeddings.${i}`, new Embedding(1, promptDim)));
    this.#noPoint = this.child('not_a_point_embed', new Embedding(1, promptDim));
    this.#masks = this.child(
      'mask_downscaling',
      new Sequential(
        new Conv2d({ in: 1, out: 4, kernel: 2, stride: 2 }),
        new LayerNorm2d(4),
        new GELU(),
        new Conv2d({ in: 4, out: 16, kernel: 2, stride: 2 }),
        new LayerNorm2d(16),
        new GELU(),
        new Conv2d({ in: 16, out: promptDim, kernel: 1 }),
      ),
    );
    this.#noMask = this.child('no_mask_embed', new Embedding(1, promptDim));
  }

  /** The places of the image's tokens: [1, promptDim, h, w]. */
  imagePositions(): Tensor {
    return this.#positions.grid(this.#imageSize / patchSize);
  }

  /** @throws GraftError SAM_PROMPT where a part has the wrong shape */
  forward({ points, boxes, masks }: Prompts): PromptEmbeddings {
    const tokens: Tensor[] = [];
    if (points) tokens.push(this.#points(points, boxes === undefined));
    if (boxes) tokens.push(this.#boxes(boxes));
    const sparse = tokens.length > 0 ? cat(tokens, 1) : undefined;
    return { sparse, dense: masks ? this.#dense(masks) : this.#noMask.weight.reshape(1, -1, 1, 1) };
  }

  /** Where no box follows, the model was trained with one more point that is none. */
  #points({ places, labels }: NonNullable<Prompts['points']>, fill: boolean): Tensor {
    const [batch, count] = places.shape;
    expectShape('points', places, [batch, count, 2]);
    expectShape('labels', labels, [batch, count]);
    const { device } = places;
    const filled = fill ? cat([places, zeros([batch, 1, 2], { device })], 1) : places;
    const none = zeros([batch, 1], { dtype: 'int64', device }).sub(1);
    const kinds = fill ? cat([labels, none], 1) : labels;
    const [outside, inside] = this.#kinds;
    const table = cat([this.#noPoint.weight, outside.weight, inside.weight]); // [3, C]
    const learned = table.indexSelect(0, kinds.add(1).reshape(-1)).reshape(batch, -1, table.shape[1]);
    return this.#at(filled).mul(kinds.ge(0).unsqueeze(-1)).add(learned); // [B, N (+ 1), C]
  }

  #boxes(boxes: Tensor): Tensor {
    expectShape('boxes', boxes, [boxes.shape[0], 4]);
    const [, , first, last] = this.#kinds;
    return this.#at(boxes.reshape(-1, 2, 2)).add(cat([first.weight, last.weight])); // [B, 2, C]
  }

  #dense(masks: Tensor): Tensor {
    const side = this.#imageSize / 4;
    expectShape('masks', masks, [masks.shape[0], 1, side, side]);
    return this.#masks.forward(masks);
  }

  /** @param places [B, N, 2] in pixels @returns [B, N, C] */
  #at(places: Tensor): Tensor {
    return this.#positions.forward(places.add(0.5).div(this.#imageSize));
  }
}

function expectShape(what: string, { shape }: Tensor, expected: number[]): void {
  if (shape.join() !== expected.join())
    throw samError('SAM_PROMPT', { what, shape: shape.join(', '), expected: expected.join(', ') });
}
