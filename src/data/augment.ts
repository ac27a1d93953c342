/**
 * Random changes of training slices: the poses that patients lie in and the looks that scanners give. Every slice gets
 * its own; images and labels move together.
 *
 * `contrast` bends the intensities by a random curve, which need not be monotonous, so that a network trained on one
 * sequence sees others (Zhou et al. 2019); dark background stays dark. With `tissues` each class is bent by a curve of its
 * own: the organ may be brighter than what surrounds it in one slice and darker in the next (Billot et al. 2023 draw
 * every tissue's intensities).
 */
import { z } from 'zod';
import type { Random } from '../core/index.js';
import { affineGrid, gridSample, operator, type Tensor, Generator as TorchGenerator, tensor } from '../torch/index.js';

const amount = (text: string, value: number) => z.number().min(0).default(value).describe(text);
const chance = (text: string, value: number) => z.number().min(0).max(1).default(value).describe(text);

export const augmentationSchema = z.strictObject({
  flip: chance('probability of a left-right flip', 0.5),
  rotate: amount('largest rotation in degrees', 10),
  scale: amount('largest relative change of size', 0.1),
  translate: amount('largest shift, relative to the slice', 0.05),
  contrast: chance('probability of a random intensity curve; for targets of another sequence, in longer training', 0),
  tissues: chance('where there is a curve: probability that every class has a curve of its own', 0.5),
  gamma: amount('largest natural logarithm of the exponent that intensities are raised to, either way', 0),
  bias: amount('largest exponent of the smooth brightness field', 0.3),
  noise: amount('largest standard deviation of the noise', 0.05),
  blur: chance('probability of a loss of resolution', 0.2),
});
export type Augmentation = z.output<typeof augmentationSchema>;

const gather = operator('aten::gather') as (x: Tensor, dim: number, index: Tensor) => Tensor;
const floor = operator('aten::floor') as (x: Tensor) => Tensor;
const randn = operator('aten::randn.generator');
const power = operator('aten::pow.Tensor_Tensor') as (x: Tensor, exponent: Tensor) => Tensor;
const resize = operator('aten::upsample_bilinear2d') as (x: Tensor, size: number[], aligned: boolean) => Tensor;

/**
 * @param images float32 [B, 1, h, w], intensities in [0, 1]
 * @param maps float32 [B, C, h, w], 0 or 1
 * @returns both changed; intensities stay in [0, 1]
 */
export function augment(
  images: Tensor,
  maps: Tensor,
  options: Augmentation,
  random: Random,
): { images: Tensor; maps: Tensor } {
  const [b, , h, w] = images.shape;
  const { device } = images;
  const each = (value: () => number | number[]) => Float32Array.from(Array.from({ length: b }, value).flat());

  const theta = each(() => pose(options, random));
  const grid = affineGrid(tensor(theta, [b, 2, 3], { device }), [b, 1, h, w]); // [B, h, w, 2]
  let x = gridSample(images, grid); // [B, 1, h, w]
  const soft = gridSample(maps, grid); // [B, C, h, w]
  const moved = soft.gt(0.5).to('float32'); // [B, C, h, w]

  x = recolour(x, soft, options, random);
  if (options.gamma > 0) {
    const exponents = each(() => Math.exp(random.uniform(-options.gamma, options.gamma)));
    x = power(x, tensor(exponents, [b, 1, 1, 1], { device }));
  }
  const field = tensor(
    each(() => Array.from({ length: 9 }, () => random.uniform(-1, 1) * options.bias)),
    [b, 1, 3, 3],
  );
  x = x.mul(resize(field.to({ device }), [h, w], false).exp());

  const blurred = tensor(
    each(() => (random.chance(options.blur) ? 1 : 0)),
    [b, 1, 1, 1],
    { device },
  );
  const coarse = resize(resize(x, [Math.ceil(h / 2), Math.ceil(w / 2)], false), [h, w], false);
  x = x.add(coarse.sub(x).mul(blurred));

  using generator = new TorchGenerator(random.seed());
  const noise = (randn([b, 1, h, w], { generator }) as Tensor).to({ device });
  const strength = tensor(
    each(() => random.uniform(0, options.noise)),
    [b, 1, 1, 1],
    { device },
  );
  return { images: x.add(noise.mul(strength)).clamp(0, 1), maps: moved };
}

/** A map from the new slice's coordinates in [-1, 1] to the old one's: [2, 3] row by row. */
function pose({ flip, rotate, scale, translate }: Augmentation, random: Random): number[] {
  const angle = (random.uniform(-rotate, rotate) * Math.PI) / 180;
  const size = 1 / (1 + random.uniform(-scale, scale));
  const [cos, sin] = [Math.cos(angle) * size, Math.sin(angle) * size];
  const mirror = random.chance(flip) ? -1 : 1;
  const shift = () => 2 * random.uniform(-translate, translate);
  return [mirror * cos, -sin, shift(), mirror * sin, cos, shift()];
}

const knots = 6;
const identity = Array.from({ length: knots }, (_, i) => i / (knots - 1));

/** Values of a random curve, blended with the identity, at evenly spaced intensities; 0 stays 0. */
function curve(random: Random): number[] {
  const share = random.uniform();
  return identity.map((value, i) => (i === 0 ? 0 : value + share * (random.uniform() - value)));
}

/** Bends the intensities of every slice, by one curve or by one for the background and each class: maps [B, C, h, w]. */
function recolour(x: Tensor, maps: Tensor, { contrast, tissues }: Augmentation, random: Random): Tensor {
  const [b, classes] = maps.shape;
  const drawn = Array.from({ length: b }, () => {
    const common = random.chance(contrast) ? curve(random) : undefined;
    const own = common && random.chance(tissues);
    return Array.from({ length: classes + 1 }, () => (own ? curve(random) : (common ?? identity)));
  });
  const curvesOf = (c: number) =>
    tensor(Float32Array.from(drawn.flatMap((curves) => curves[c])), [b, knots], { device: x.device });
  let bent = bend(x, curvesOf(0)); // [B, 1, h, w]
  for (let c = 0; c < classes; c++)
    bent = bent.add(
      bend(x, curvesOf(c + 1))
        .sub(bent)
        .mul(maps.narrow(1, c, 1)),
    );
  return bent;
}

/** Piecewise linear curves, one for each slice: curves [B, knots]. */
function bend(x: Tensor, curves: Tensor): Tensor {
  const [b, , h, w] = x.shape;
  const place = x.reshape(b, h * w).mul(knots - 1); // [B, h·w]
  const left = floor(place).clamp(0, knots - 2);
  const index = left.to('int64');
  const low = gather(curves, 1, index);
  const high = gather(curves, 1, index.add(1));
  return low.add(high.sub(low).mul(place.sub(left))).reshape(b, 1, h, w);
}
