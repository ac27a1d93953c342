/** Random changes of training slices: repeatable, within bounds, and the same for image and map. */
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { type Augmentation, augment, augmentationSchema } from '../../src/data/index.js';
import { scope, type Tensor, tensor } from '../../src/torch/index.js';
import { eachDevice } from '../devices.js';

const none: Augmentation = { flip: 0, rotate: 0, scale: 0, translate: 0, contrast: 0, bias: 0, noise: 0, blur: 0 };
const [b, h, w] = [3, 24, 32];

/** A smooth blob off the centre of each slice, and the map of where it is bright. */
function blobs(device = 'cpu'): { images: Tensor; maps: Tensor } {
  const values = Float32Array.from({ length: b * h * w }, (_, i) => {
    const [z, y, x] = [Math.floor(i / (h * w)), Math.floor((i % (h * w)) / w), i % w];
    return Math.exp(-((y - 9) ** 2 + (x - 12 - 2 * z) ** 2) / 30);
  });
  return {
    images: tensor(values, [b, 1, h, w], { device }),
    maps: tensor(
      values.map((value) => (value > 0.5 ? 1 : 0)),
      [b, 1, h, w],
      { device },
    ),
  };
}

const change = (options: Partial<Augmentation>, seed = 1, device = 'cpu') =>
  scope(() => {
    const { images, maps } = blobs(device);
    const changed = augment(images, maps, { ...none, ...options }, random(seed, 'augment'));
    return {
      before: [images, maps].map((one) => one.toArray() as Float32Array),
      images: changed.images.toArray() as Float32Array,
      maps: changed.maps.toArray() as Float32Array,
    };
  });
const everything = augmentationSchema.parse({});
const distance = (a: Float32Array, c: Float32Array) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - c[i])), 0);
const overlap = (a: Float32Array, c: Float32Array) =>
  (2 * a.reduce((sum, v, i) => sum + v * c[i], 0)) / a.reduce((sum, v, i) => sum + v + c[i], 0);

eachDevice('augmentation', (device) => {
  it('with everything at 0 is the identity', () => {
    const { before, images, maps } = change({}, 1, device);
    expect(distance(images, before[0])).toBeLessThan(1e-5);
    expect(maps).toEqual(before[1]);
  });

  it('is repeated by its stream, and another stream gives another', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => change(everything, seed, device));
    expect(again).toEqual(first);
    expect(distance(other.images, first.images)).toBeGreaterThan(0.05);
  });

  it('keeps intensities in [0, 1] and maps at 0 or 1', () => {
    const wild = { flip: 1, rotate: 180, scale: 0.5, translate: 0.4, contrast: 1, bias: 3, noise: 1, blur: 1 };
    for (let seed = 0; seed < 10; seed++) {
      const { images, maps } = change(wild, seed, device);
      for (const value of images) expect(value >= 0 && value <= 1).toBe(true);
      expect([...new Set(maps)].filter((value) => value !== 0 && value !== 1)).toEqual([]);
    }
  });
});

describe('contrasts that no scanner gives', () => {
  const few = ['light', 'medium', 'strong'] as const;
  const changedBy = (randomise: Augmentation['randomise'], seed: number) => {
    const { before, images, maps } = change({ randomise }, seed);
    const share = [0, 1, 2].filter((z) => {
      const slice = (values: Float32Array) => values.subarray(z * h * w, (z + 1) * h * w);
      return distance(slice(images), slice(before[0])) > 0.02;
    });
    return { changed: share.length, images, maps, before };
  };

  it('are given to more slices the stronger they are, and leave the maps', () => {
    const counts = few.map((strength) => {
      let sum = 0;
      for (let seed = 0; seed < 20; seed++) {
        const { changed, images, maps, before } = changedBy(strength, seed);
        sum += changed;
        expect(distance(maps, before[1])).toBe(0);
        expect(images.every((value) => value >= 0 && value <= 1)).toBe(true);
      }
      return sum / 60;
    });
    expect(counts[0]).toBeGreaterThan(0.15);
    expect(counts[1]).toBeGreaterThan(counts[0]);
    expect(counts[2]).toBeGreaterThan(counts[1]);
    expect(counts[2]).toBeGreaterThan(0.75);
  });

  it('are repeated by their stream; off is as without', () => {
    expect(change({ ...everything, randomise: 'strong' }, 3)).toEqual(
      change({ ...everything, randomise: 'strong' }, 3),
    );
    expect(change({ ...everything, randomise: 'off' }, 3)).toEqual(change(everything, 3));
  });

  it('leave the dark background dark, whatever the number of classes', () => {
    for (let seed = 0; seed < 5; seed++)
      scope(() => {
        const values = Float32Array.from({ length: b * h * w }, (_, i) => (Math.floor(i / w) % h < 12 ? 0 : 0.6));
        const images = tensor(values, [b, 1, h, w]);
        const maps = [8, 16, 24].map((row) => values.map((_, i) => (Math.floor(Math.floor(i / w) % h) < row ? 1 : 0)));
        for (const count of [1, 2, 3]) {
          const exclusive = Float32Array.from({ length: b * count * h * w }, (_, i) => {
            const [z, c, at] = [Math.floor(i / (count * h * w)), Math.floor(i / (h * w)) % count, i % (h * w)];
            const place = z * h * w + at;
            return maps[c][place] === 1 && !(c > 0 && maps[c - 1][place] === 1) ? 1 : 0;
          });
          const options = { ...none, randomise: 'strong' as const };
          const result = augment(images, tensor(exclusive, [b, count, h, w]), options, random(seed, 'dark'));
          const x = result.images.toArray<'float32'>();
          // The first rows; thick slices reach a few rows further than their edge.
          expect(x.every((value, i) => Math.floor(i / w) % h >= 6 || value < 0.02)).toBe(true);
        }
      });
  });
});

describe('a pose', () => {
  it('moves image and map together', () => {
    for (let seed = 0; seed < 10; seed++) {
      const { before, images, maps } = change({ flip: 0.5, rotate: 30, scale: 0.2, translate: 0.1 }, seed);
      const bright = images.map((value) => (value > 0.5 ? 1 : 0));
      expect(overlap(bright, maps)).toBeGreaterThan(0.9);
      expect(overlap(before[1], maps), 'it moves at all').toBeLessThan(0.95);
    }
  });

  it('can be a left-right flip alone, along x', () => {
    const { before, images, maps } = change({ flip: 1 });
    const mirrored = (values: Float32Array) =>
      values.map((_, i) => values[i - (i % w) + (w - 1 - (i % w))]) as Float32Array;
    expect(distance(images, mirrored(before[0]))).toBeLessThan(1e-5);
    expect(maps).toEqual(mirrored(before[1]));
  });

  it('differs from slice to slice', () => {
    const size = h * w;
    const { before, images } = change({ rotate: 30, translate: 0.1 });
    const moved = Array.from({ length: b }, (_, z) => {
      const part = (values: Float32Array) => values.subarray(z * size, (z + 1) * size);
      return distance(part(images), part(before[0]));
    });
    expect(new Set(moved).size).toBe(b);
  });
});

describe('a look', () => {
  it.each<Partial<Augmentation>>([{ contrast: 1 }, { bias: 0.5 }, { noise: 0.3 }, { blur: 1 }])(
    '%j changes the image and leaves the map where it is',
    (options) => {
      const { before, images, maps } = change(options);
      expect(distance(images, before[0])).toBeGreaterThan(0.02);
      expect(maps).toEqual(before[1]);
    },
  );

  it('of another contrast leaves a dark background dark', () => {
    const { before, images } = change({ contrast: 1 });
    const dark = images.filter((_, i) => before[0][i] < 1e-5);
    expect(dark.length).toBeGreaterThan(50);
    expect(Math.max(...dark)).toBeLessThan(1e-3);
  });
});
