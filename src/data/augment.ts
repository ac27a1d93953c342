/**
 * Random changes of training slices: the poses that patients lie in and the looks that scanners give. Every slice gets
 * its own; images and labels move together.
 *
 * `contrast` bends the intensities by a random curve, which need not be monotonous, so that a network trained on one
 * sequence sees others (Billot et al. 2023 and Zhou et al. 2019 use the idea); dark background stays dark.
 */
import { z } from 'zod';
import type { Random } from '../core/index.js';
import { affineGrid, gridSample, operator, type Tensor, Generator as TorchGenerator, tensor } from '../torch/index.js';
import { randomise, type Strength, strengths } from './randomise.js';
import { toUnitRange } from './unit-range.js';

const amount = (text: string, value: number) => z.number().min(0).default(value).describe(text);
const chance = (text: string, value: number) => z.number().min(0).max(1).default(value).describe(text);

export const augmentationSchema = z.strictObject({
  flip: chance('probability of a flip along the slice’s rows, which is left-right in axial and coronal slices', 0.5),
  rotate: amount('largest rotation in degrees', 10),
  scale: amount('largest relative change of size', 0.1),
  translate: amount('largest shift, relative to the slice', 0.05),
  contrast: chance('probability of a random intensity curve; for targets of another sequence, in longer training', 0),
  randomise: z
    .enum(['off', ...(Object.keys(strengths) as Strength[])])
    .optional()
    .describe(
      'contrasts that no scanner gives, and slices that are thick along one direction, in a quarter (light), half (medium) or 85 % (strong) of the slices; for targets of another sequence. Default: off',
    ),
  bias: amount('largest exponent of the smooth brightness field', 0.3),
  noise: amount('largest standard deviation of the noise', 0.05),
  blur: chance('probability of a loss of resolution', 0.2),
});
export type Augmentation = z.output<typeof augmentationSchema>;

const gather = operator('aten::gather') as (x: Tensor, dim: number, index: Tensor) => Tensor;
const floor = operator('aten::floor') as (x: Tensor) => Tensor;
const randn = operator('aten::randn.generator');
const resize = operator('aten::upsample_bilinear2d') as (x: Tensor, size: number[], aligned: boolean) => Tensor;

/**
 * @param slices float32 [B, 1, h, w], intensities of any scale
 * @param maps float32 [B, C, h, w], 0 or 1
 * @returns both changed; intensities stay in [0, 1], or between a slice's least and greatest where these are beyond; what comes in
 * from outside a slice is as dark as its darkest pixel
 */
export function augment(
  slices: Tensor,
  maps: Tensor,
  options: Augmentation,
  random: Random,
): { images: Tensor; maps: Tensor } {
  const [b, , h, w] = slices.shape;
  const { device } = slices;
  const { images, back } = toUnitRange(slices);
  const each = (value: () => number | number[]) => Float32Array.from(Array.from({ length: b }, value).flat());

  const theta = each(() => pose(options, random));
  const grid = affineGrid(tensor(theta, [b, 2, 3], { device }), [b, 1, h, w]); // [B, h, w, 2]
  let x = gridSample(images, grid); // [B, 1, h, w]
  const moved = gridSample(maps, grid).gt(0.5).to('float32'); // [B, C, h, w]

  x = bend(
    x,
    tensor(
      each(() => (random.chance(options.contrast) ? curve(random) : identity)),
      [b, knots],
      { device },
    ),
  );
  if (options.randomise && options.randomise !== 'off') {
    const curves = () =>
      tensor(
        each(() => curve(random)),
        [b, knots],
        { device },
      );
    x = randomise(x, moved, options.randomise, (slices) => bend(slices, curves()), random);
  }
  const field = tensor(
    each(() => Array.from({ length: 9 }, () => random.uniform(-1, 1) * options.bias)),
    [b, 1, 3, 3],
  );
  x = x.mul(resize(field.to({ device }), [h, w], false).exp());

  const soft = tensor(
    each(() => (random.chance(options.blur) ? 1 : 0)),
    [b, 1, 1, 1],
    { device },
  );
  const coarse = resize(resize(x, [Math.ceil(h / 2), Math.ceil(w / 2)], false), [h, w], false);
  x = x.add(coarse.sub(x).mul(soft));

  using generator = new TorchGenerator(random.seed());
  const noise = (randn([b, 1, h, w], { generator }) as Tensor).to({ device });
  const strength = tensor(
    each(() => random.uniform(0, options.noise)),
    [b, 1, 1, 1],
    { device },
  );
  return { images: back(x.add(noise.mul(strength)).clamp(0, 1)), maps: moved };
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
