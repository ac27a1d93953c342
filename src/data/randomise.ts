/**
 * Contrasts that no scanner gave: what a network cannot take for granted in training it does not rely on afterwards. A
 * share of the slices is changed by one of two ways, and loses resolution along one direction as thick slices do.
 *
 * - A random small convolutional network, blended with the slice (GIN: Ouyang et al. 2022, IEEE TMI, arXiv 2111.12525): 4
 *   layers of kernels of 1 or 3 pixels and 2 channels with normal weights.
 * - A random intensity curve for each class and another for the rest, blended where they meet: contrasts drawn by label
 *   (SynthSeg: Billot et al. 2023), with the texture of the slice.
 *
 * Dark background stays dark in both. The shares and the loss of resolution are what the three strengths differ in.
 */
import type { Random } from '../core/index.js';
import { conv2d, operator, type Tensor, tensor } from '../torch/index.js';

/** `share` of the slices; `thickness`: the most pixels that become one along a direction. */
export const strengths = {
  light: { share: 0.25, thickness: 2 },
  medium: { share: 0.5, thickness: 3 },
  strong: { share: 0.85, thickness: 4 },
} as const;
export type Strength = keyof typeof strengths;

const leakyRelu = operator('aten::leaky_relu') as (x: Tensor) => Tensor;
const meanPool = operator('aten::avg_pool2d') as (...values: [Tensor, number[], number[], number[]]) => Tensor;
const resize = operator('aten::upsample_bilinear2d') as (x: Tensor, size: number[], aligned: boolean) => Tensor;
const meanOver = operator('aten::_adaptive_avg_pool2d') as (x: Tensor, size: number[]) => Tensor;
const least = operator('aten::amin') as (x: Tensor, dims: number[], keep: boolean) => Tensor;
const greatest = operator('aten::amax') as (x: Tensor, dims: number[], keep: boolean) => Tensor;

/** Intensities below are background's. */
const DARK = 0.1;

/**
 * @param x float32 [B, 1, h, w], intensities in [0, 1]
 * @param maps float32 [B, C, h, w], 0 or 1, at most one of them 1 at a pixel
 * @param bend changes intensities by a random curve for each slice, another at every call
 * @returns float32 [B, 1, h, w], in [0, 1]
 */
export function randomise(
  x: Tensor,
  maps: Tensor,
  strength: Strength,
  bend: (x: Tensor) => Tensor,
  random: Random,
): Tensor {
  const [b] = x.shape;
  const { share, thickness } = strengths[strength];
  const drawn = Array.from({ length: b }, () => random.uniform());
  const chosen = (is: (value: number) => boolean) =>
    tensor(
      drawn.map((value) => (is(value) ? 1 : 0)),
      [b, 1, 1, 1],
      { device: x.device },
    );
  const mix = (changed: Tensor, is: (value: number) => boolean) => changed.sub(x).mul(chosen(is));
  const contrast = x
    .add(mix(convolved(x, random), (value) => value < share / 2))
    .add(mix(byClass(x, maps, bend), (value) => value >= share / 2 && value < share));
  const thick = thickened(contrast, random.uniform(1, thickness), random.chance(0.5));
  const lost = tensor(
    drawn.map(() => (random.chance(share) ? 1 : 0)),
    [b, 1, 1, 1],
    { device: x.device },
  );
  return contrast.add(thick.sub(contrast).mul(lost)).clamp(0, 1);
}

const LAYERS = 4;

/** A random network for each slice, its output brought to [0, 1] and blended with the slice. */
function convolved(x: Tensor, random: Random): Tensor {
  const [b, , h, w] = x.shape;
  const { device } = x;
  let y = x.reshape(1, b, h, w);
  for (let layer = 0; layer < LAYERS; layer++) {
    const [channels, out] = [layer === 0 ? 1 : 2, layer === LAYERS - 1 ? 1 : 2];
    const kernels = Array.from({ length: b }, () => {
      const wide = random.chance(0.5);
      return Array.from({ length: out * channels * 9 }, (_, i) => (wide || i % 9 === 4 ? random.normal() : 0));
    });
    const weight = tensor(kernels.flat(), [b * out, channels, 3, 3], { device });
    const bias = tensor(
      Array.from({ length: b * out }, () => random.normal()),
      [b * out],
      { device },
    );
    y = conv2d(y, weight, bias, { padding: 1, groups: b }); // [1, B·out, h, w]
    if (layer < LAYERS - 1) y = leakyRelu(y);
  }
  y = y.reshape(b, 1, h, w);
  const low = least(y, [1, 2, 3], true);
  const range = greatest(y, [1, 2, 3], true).sub(low).add(1e-6);
  const light = y.sub(low).div(range).mul(x.div(DARK).clamp(0, 1));
  const blend = tensor(
    Array.from({ length: b }, () => random.uniform()),
    [b, 1, 1, 1],
    { device },
  );
  return x.add(light.sub(x).mul(blend));
}

/** Each class by a curve of its own, and what is of no class by another. */
function byClass(x: Tensor, maps: Tensor, bend: (x: Tensor) => Tensor): Tensor {
  const soft = meanPool(maps, [3, 3], [1, 1], [1, 1]); // [B, C, h, w]
  const rest = soft.sum([1], true).neg().add(1); // [B, 1, h, w]
  let y = bend(x).mul(rest);
  for (let c = 0; c < maps.shape[1]; c++) y = y.add(bend(x).mul(soft.narrow(1, c, 1)));
  return y;
}

/** As slices of `factor` pixels' thickness along rows or columns would show it. */
function thickened(x: Tensor, factor: number, rows: boolean): Tensor {
  const [, , h, w] = x.shape;
  const fewer = (size: number) => Math.max(1, Math.round(size / factor));
  return resize(meanOver(x, rows ? [fewer(h), w] : [h, fewer(w)]), [h, w], false);
}
