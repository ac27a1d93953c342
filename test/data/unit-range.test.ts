/** Random changes of intensities that are not in [0, 1]: z-scores are changed as the same picture in [0, 1] is. */
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { augment, augmentationSchema, augmentWindows, windowAugmentationSchema } from '../../src/data/index.js';
import { toUnitRange } from '../../src/data/unit-range.js';
import { scope, type Tensor, tensor } from '../../src/torch/index.js';

const [b, s] = [3, 24];
/** Slices from 0 to 1, each, float32 [3, 1, 24, 24]. */
const pictures = () => {
  const values = Float32Array.from({ length: b * s * s }, (_, i) => {
    const [z, y, x] = [Math.floor(i / (s * s)), Math.floor((i % (s * s)) / s), i % s];
    return Math.max(0, 1 - Math.hypot(y - 8 - z, x - 11) / 9);
  });
  for (let z = 0; z < b; z++) values[z * s * s + (8 + z) * s + 11] = 1;
  return tensor(values, [b, 1, s, s]);
};
const zScores = (images: Tensor) => images.mul(3.25).sub(1);
const pictured = (images: Tensor) => images.add(1).div(3.25);

const changes: [string, (images: Tensor) => Tensor][] = [
  ...(['off', 'strong'] as const).map((randomise): [string, (images: Tensor) => Tensor] => [
    `slices, randomise ${randomise}`,
    (images) => {
      const options = augmentationSchema.parse({ contrast: 1, blur: 1, randomise });
      const maps = pictures().gt(0.5).to('float32');
      return augment(images, maps, options, random(1, 'augment')).images;
    },
  ]),
  [
    'windows',
    (images) => {
      const options = windowAugmentationSchema.parse({ probability: 1, draws: 10 });
      const labels = pictures().gt(0.5).to('int64');
      return augmentWindows({ images, labels }, options, random(1, 'augment')).images;
    },
  ],
];

describe.each(changes)('%s', (_, change) => {
  it('change z-scores as they change the same picture in [0, 1]', () => {
    scope(() => {
      const expected = change(pictures()).toArray<'float32'>();
      const found = pictured(change(zScores(pictures()))).toArray<'float32'>();
      const distances = expected.map((value, i) => Math.abs(value - found[i]));
      expect(Math.max(...distances)).toBeLessThan(2e-3); // a pixel's noise and a posterised step may round otherwise
      expect(new Set(found.map((value) => Math.round(value * 50))).size).toBeGreaterThan(10);
    });
  });
});

describe('toUnitRange', () => {
  it('leaves intensities within [0, 1] to the bit', () => {
    scope(() => {
      const images = pictures().mul(0.7).add(0.1);
      const { images: same, back } = toUnitRange(images);
      expect(same.toArray()).toEqual(images.toArray());
      expect(back(same).toArray()).toEqual(images.toArray());
    });
  });
  it('brings others there and back, a flat one too', () => {
    scope(() => {
      for (const images of [zScores(pictures()), pictures().mul(1000), pictures().mul(0).sub(3)]) {
        const { images: scaled, back } = toUnitRange(images);
        expect(scaled.toArray<'float32'>().every((value) => value >= 0 && value <= 1)).toBe(true);
        const returned = back(scaled).toArray<'float32'>();
        images.toArray<'float32'>().forEach((value, i) => void expect(returned[i]).toBeCloseTo(value, 3));
      }
    });
  });
});
