/**
 * Checkpoints as segment-anything and MedSAM publish them: weights alone, with the stock head. Their shapes tell the
 * architecture; how their images are scaled nothing tells, for both have the same names.
 *
 * segment-anything takes 8-bit images less ImageNet's mean over its deviation (`Sam.pixel_mean` and `pixel_std`), MedSAM
 * images in [0, 1]. graft's images lie in [0, 1], so the former is put into the first convolution.
 */

import type { Module, State } from '../../nn/index.js';
import { noGrad, scope, type Tensor, tensor } from '../../torch/index.js';
import { checkedConfig, patchSize, type SamConfig } from './config.js';
import { samError } from './errors.js';

/** Mean and deviation of red, green and blue, of 255. */
const pixels = { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] };

/**
 * The architecture that a published checkpoint is of.
 *
 * @param state by the network's own names (`samStateOf`)
 * @throws GraftError SAM_PUBLISHED where a shape is missing or the head is not the stock one; SAM_CONFIG
 */
export function publishedConfig(state: State, file: string): SamConfig {
  const shapeOf = (name: string, rank: number): readonly number[] => {
    const shape = state.get(name)?.shape;
    if (shape?.length === rank) return shape;
    throw samError('SAM_PUBLISHED', { file, name, found: shape ? `[${shape.join(', ')}]` : 'no such tensor' });
  };
  const [embedDim] = shapeOf('image_encoder.patch_embed.proj.weight', 4);
  const [, grid] = shapeOf('image_encoder.pos_embed', 4);
  const depth = new Set([...state.keys()].flatMap((name) => name.match(/^image_encoder\.blocks\.\d+/) ?? [])).size;
  const positions = Array.from({ length: depth }, (_, i) => shapeOf(`image_encoder.blocks.${i}.attn.rel_pos_h`, 2));
  const sides = positions.map(([length]) => (length + 1) / 2);
  const [promptDim] = shapeOf('image_encoder.neck.0.weight', 4);
  const [decoderMlp] = shapeOf('mask_decoder.transformer.layers.0.mlp.lin1.weight', 2);
  const [masks] = shapeOf('mask_decoder.mask_tokens.weight', 2);
  if (masks !== STOCK_MASKS)
    throw samError('SAM_PUBLISHED', { file, name: 'mask_decoder.mask_tokens.weight', found: `${masks} masks` });
  return checkedConfig({
    imageSize: grid * patchSize,
    ...{ embedDim, depth, heads: embedDim / positions[0][1], promptDim, decoderMlp, classes: null },
    globalAttention: sides.flatMap((side, i) => (side === grid ? [i] : [])),
    window: sides.find((side) => side !== grid) ?? grid,
  });
}

/** Masks that the stock head predicts. */
const STOCK_MASKS = 4;

/**
 * Pads images in [0, 1] as segment-anything pads, with zeros once mean and deviation are applied: with the mean.
 *
 * @param images float32 [B, 3, h, w], changed in place @param shown rows and columns that the image has
 */
export function padWithMean(images: Tensor, [rows, columns]: readonly [number, number]): Tensor {
  const mean = tensor(
    pixels.mean.map((value) => value / 255),
    [1, 3, 1, 1],
    { device: images.device },
  );
  const [, , height, width] = images.shape;
  const padding = [images.narrow(2, rows, height - rows), images.narrow(3, columns, width - columns)];
  for (const part of padding) if (part.size > 0) part.copy_(mean);
  return images;
}

/** Lets a model that expects segment-anything's pixels take images in [0, 1]: the same embeddings to rounding. */
export function takeUnitImages(sam: Module): void {
  const state = sam.state();
  const [weight, bias] = ['weight', 'bias'].map((name) => state.get(`image_encoder.patch_embed.proj.${name}`)!);
  const colours = (values: number[]): Tensor => tensor(values, [1, 3, 1, 1], { device: weight.device });
  noGrad(() =>
    scope(() => {
      const { mean, deviation } = pixels;
      const shift = weight.mul(colours(mean.map((value, i) => value / deviation[i]))).sum([1, 2, 3]); // [C]
      bias.copy_(bias.sub(shift));
      weight.copy_(weight.mul(colours(deviation.map((value) => 255 / value))));
    }),
  );
}
