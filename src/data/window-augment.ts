/**
 * The random changes that FLAP-SAM trains with, with its ranges: each window its own, all of its slices the same.
 *
 * What the reference code does otherwise, and why not here: it turns images by the nearest pixel and moves them up to
 * three times in a row, which frays edges (here all moves are one map, interpolated once; labels take the nearest
 * pixel); it scales about a corner (here about the centre); it bends intensities and posterises by way of 8-bit images
 * (here on the numbers themselves); contrast has each slice's own mean (here the window's). Erasing is done after the
 * moves, in upright boxes.
 */
import { z } from 'zod';
import type { Random } from '../core/index.js';
import { affineGrid, cat, conv2d, operator, type Tensor, Generator as TorchGenerator, tensor } from '../torch/index.js';
import { toUnitRange } from './unit-range.js';
import type { WindowBatch } from './windows.js';

const range = (text: string, low: number, high: number) =>
  z
    .tuple([z.number().positive(), z.number().positive()])
    .refine(([from, to]) => from <= to, { error: 'the first number must not exceed the second' })
    .default([low, high])
    .describe(text);
const amount = (text: string, value: number) => z.number().min(0).default(value).describe(text);

/** One of these is drawn at a time; `identity` leaves the window as it is. */
const changes = [
  'shearX',
  'shearY',
  'scale',
  'translateX',
  'translateY',
  'posterize',
  'contrast',
  'brightness',
  'sharpness',
  'identity',
] as const;

export const windowAugmentationSchema = z.strictObject({
  probability: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('of each of the next four: quarter turns with a flip, rotation, gamma, erasing'),
  flip: z.boolean().default(true).describe('quarter turns with a flip'),
  rotate: amount('largest rotation in degrees', 15),
  gamma: range('range of gamma; intensities are raised to 1 / gamma', 0.5, 3.5),
  erase: range('share of the slice that a box of noise covers; labels in it become background', 0.02, 0.05),
  draws: z
    .int()
    .min(0)
    .max(changes.length)
    .default(2)
    .describe(`how many of these are drawn for a window: ${changes.join(', ')}`),
  shear: amount('largest shear', 0.3),
  scale: range('range of the scale', 0.8, 1.2),
  translate: amount('largest shift, relative to the slice', 0.2),
  posterize: range('range of the bits that intensities keep', 4, 8),
  contrast: range('range of the factor on the distance from the mean intensity', 0.7, 1.3),
  brightness: range('range of the factor on intensities', 0.7, 1.3),
  sharpness: range('range of the factor on the difference from a smoothed slice', 0.1, 1.9),
});
export type WindowAugmentation = z.output<typeof windowAugmentationSchema>;

const round = operator('aten::round') as (x: Tensor) => Tensor;
const power = operator('aten::pow.Tensor_Tensor') as (x: Tensor, exponent: Tensor) => Tensor;
const uniform = operator('aten::rand.generator');
const sample = operator('aten::grid_sampler');
const [BILINEAR, NEAREST, ZEROS] = [0, 1, 0];

/** What is drawn for one window. */
interface Plan {
  /** From places (x, y) in [-1, 1] of the new slice to those of the old one: [2, 3] row by row. */
  map: Affine;
  /** Exponent of the intensities. */
  exponent: number;
  /** The box of noise, in pixels. */
  box: { top: number; left: number; height: number; width: number } | undefined;
  /** Further changes of intensities, [1, D, h, w] -> the same shape. */
  looks: ((window: Tensor) => Tensor)[];
}

/**
 * @param batch images float32 [B, D, s, s], intensities of any scale; labels int64
 * @returns both changed; intensities stay in [0, 1], or between a window's least and greatest where these are beyond; what comes in
 * from outside the old slices is as dark as the window's darkest pixel, and background
 */
export function augmentWindows(batch: WindowBatch, options: WindowAugmentation, random: Random): WindowBatch {
  const [b, , h, w] = batch.images.shape;
  const { device } = batch.images;
  const plans = Array.from({ length: b }, () => draw(options, random, h, w));
  const theta = tensor(
    plans.flatMap(({ map }) => map),
    [b, 2, 3],
    { device },
  );
  const grid = affineGrid(theta, [b, 1, h, w]); // [B, h, w, 2]
  const { images: scaled, back } = toUnitRange(batch.images);
  const images = sample(scaled, grid, BILINEAR, ZEROS, false) as Tensor;
  const labels = sample(batch.labels.to('float32'), grid, NEAREST, ZEROS, false) as Tensor;

  const exponents = tensor(
    plans.map(({ exponent }) => exponent),
    [b, 1, 1, 1],
    { device },
  );
  using generator = new TorchGenerator(random.seed());
  const noise = (uniform([b, 1, h, w], { generator }) as Tensor).to({ device });
  const kept = keptPixels(plans, h, w).to({ device }); // [B, 1, h, w]
  const changed = power(images.clamp(0, 1), exponents)
    .mul(kept)
    .add(noise.mul(kept.neg().add(1)));
  const windows = plans.map(({ looks }, i) =>
    looks.reduce((window, look) => look(window).clamp(0, 1), changed.narrow(0, i, 1)),
  );
  return { images: back(cat(windows)), labels: labels.mul(kept).to('int64') };
}

function draw(options: WindowAugmentation, random: Random, h: number, w: number): Plan {
  const { probability, flip, rotate, gamma, erase } = options;
  const result: Plan = { map: [1, 0, 0, 0, 1, 0], exponent: 1, box: undefined, looks: [] };
  // Each move is a map from new to old places, so a later one is applied first.
  const move = (map: Affine) => {
    result.map = compose(result.map, map);
  };
  if (random.chance(probability) && flip) {
    move(rotation(random.integer(4) * 90));
    move(random.chance(0.5) ? [-1, 0, 0, 0, 1, 0] : [1, 0, 0, 0, -1, 0]);
  }
  if (random.chance(probability)) move(rotation(random.uniform(-rotate, rotate)));
  if (random.chance(probability)) result.exponent = 1 / random.uniform(...gamma);
  if (random.chance(probability)) result.box = boxOf(random, random.uniform(...erase), h, w);
  for (const name of random.shuffle(changes).slice(0, options.draws)) {
    const within = (limit: number) => random.uniform(-limit, limit);
    if (name === 'shearX') move([1, within(options.shear), 0, 0, 1, 0]);
    if (name === 'shearY') move([1, 0, 0, within(options.shear), 1, 0]);
    if (name === 'scale') move(scaling(random.uniform(...options.scale)));
    // A slice is 2 wide in these coordinates.
    if (name === 'translateX') move([1, 0, 2 * within(options.translate), 0, 1, 0]);
    if (name === 'translateY') move([1, 0, 0, 0, 1, 2 * within(options.translate)]);
    if (name in looks) result.looks.push(looks[name as keyof typeof looks](random, options));
  }
  return result;
}

const looks = {
  posterize: (random: Random, { posterize: [low, high] }: WindowAugmentation) => {
    const steps = 2 ** (Math.ceil(low) + random.integer(Math.floor(high) - Math.ceil(low) + 1)) - 1;
    return (x: Tensor) => round(x.mul(steps)).div(steps);
  },
  contrast: (random: Random, { contrast }: WindowAugmentation) =>
    awayFrom((x) => x.mean(), random.uniform(...contrast)),
  brightness: (random: Random, { brightness }: WindowAugmentation) => {
    const factor = random.uniform(...brightness);
    return (x: Tensor) => x.mul(factor);
  },
  sharpness: (random: Random, { sharpness }: WindowAugmentation) => awayFrom(smooth, random.uniform(...sharpness)),
};

/** Stretches the distance from a reference. */
const awayFrom = (reference: (x: Tensor) => Tensor, factor: number) => (x: Tensor) => {
  const from = reference(x);
  return from.add(x.sub(from).mul(factor));
};

/** Pillow's SMOOTH filter, the border repeated: [1, D, h, w]. */
function smooth(x: Tensor): Tensor {
  const [, d, h, w] = x.shape;
  const kernel = tensor(
    [1, 1, 1, 1, 5, 1, 1, 1, 1].map((weight) => weight / 13),
    [1, 1, 3, 3],
    { device: x.device },
  );
  const padded = cat([x.narrow(2, 0, 1), x, x.narrow(2, h - 1, 1)], 2);
  const square = cat([padded.narrow(3, 0, 1), padded, padded.narrow(3, w - 1, 1)], 3);
  return conv2d(square.reshape(d, 1, h + 2, w + 2), kernel).reshape(1, d, h, w);
}

/** Covers the share of the slice, between 0.3 and 3.3 times as wide as it is high. */
function boxOf(random: Random, share: number, h: number, w: number): Plan['box'] {
  const ratio = random.uniform(0.3, 3.3);
  const width = Math.min(w, Math.floor(Math.sqrt(share * h * w * ratio)));
  const height = Math.min(h, Math.floor(Math.sqrt((share * h * w) / ratio)));
  return { top: random.integer(h - height + 1), left: random.integer(w - width + 1), height, width };
}

/** 0 in each window's box, 1 elsewhere: float32 [B, 1, h, w]. */
function keptPixels(plans: readonly Plan[], h: number, w: number): Tensor {
  const values = new Float32Array(plans.length * h * w).fill(1);
  plans.forEach(({ box }, i) => {
    if (!box) return;
    for (let y = box.top; y < box.top + box.height; y++)
      values.fill(0, (i * h + y) * w + box.left, (i * h + y) * w + box.left + box.width);
  });
  return tensor(values, [plans.length, 1, h, w]);
}

type Affine = [number, number, number, number, number, number];

function rotation(degrees: number): Affine {
  const angle = (degrees * Math.PI) / 180;
  return [Math.cos(angle), -Math.sin(angle), 0, Math.sin(angle), Math.cos(angle), 0];
}

const scaling = (factor: number): Affine => [1 / factor, 0, 0, 0, 1 / factor, 0];

/** First the second map, then the first. */
const compose = ([a, b, x, c, d, y]: Affine, [e, f, u, g, h, v]: Affine): Affine => [
  a * e + b * g,
  a * f + b * h,
  a * u + b * v + x,
  c * e + d * g,
  c * f + d * h,
  c * u + d * v + y,
];
