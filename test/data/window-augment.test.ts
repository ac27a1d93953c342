/** The random changes of windows: repeatable, within bounds, the same for all slices and for image and label. */
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { augmentWindows, type WindowAugmentation, windowAugmentationSchema } from '../../src/data/index.js';
import { scope, tensor } from '../../src/torch/index.js';
import { eachDevice } from '../devices.js';

const [b, d, s] = [3, 2, 32];
const size = s * s;
const everything = windowAugmentationSchema.parse({});
const none: WindowAugmentation = { ...everything, probability: 0, draws: 0 };

/** A bright disc off the centre, alike in the slices of a window; labels say where it is. */
const values = Float32Array.from({ length: b * d * size }, (_, i) => {
  const [y, x] = [Math.floor((i % size) / s), i % s];
  return 0.1 + 0.7 / (1 + Math.exp(Math.hypot(y - 12, x - 18) - 7));
});
const bright = (image: Float32Array) => Array.from(image, (value) => (value > 0.45 ? 1 : 0));

function change(options: Partial<WindowAugmentation>, seed = 1, device = 'cpu') {
  return scope(() => {
    const images = tensor(values, [b, d, s, s], { device });
    const labels = tensor(bright(values), [b, d, s, s], { dtype: 'int64', device });
    const changed = augmentWindows({ images, labels }, { ...none, ...options }, random(seed, 'augment'));
    expect([changed.images.dtype, changed.labels.dtype]).toEqual(['float32', 'int64']);
    return {
      images: changed.images.to({ device: 'cpu' }).toArray(),
      labels: Array.from(changed.labels.to({ device: 'cpu' }).toArray<'int64'>(), Number),
    };
  });
}
const distance = (x: Float32Array, y: Float32Array) => x.reduce((most, v, i) => Math.max(most, Math.abs(v - y[i])), 0);
const overlap = (x: number[], y: number[]) =>
  (2 * x.reduce((sum, v, i) => sum + v * y[i], 0)) / (x.reduce((p, q) => p + q, 0) + y.reduce((p, q) => p + q, 0));
const certain = (options: Partial<WindowAugmentation>) => ({
  ...{ probability: 1, flip: false, rotate: 0, draws: 0 },
  ...{ gamma: [1, 1] as [number, number], erase: [1e-9, 1e-9] as [number, number] },
  ...options,
});

eachDevice('augmentation of windows', (device) => {
  it('with nothing drawn leaves them as they are', () => {
    const { images, labels } = change({}, 1, device);
    expect(distance(images, values)).toBeLessThan(1e-5);
    expect(labels).toEqual(bright(values));
  });

  it('is repeated by its stream, and another stream gives another', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => change(everything, seed, device));
    expect(again).toEqual(first);
    expect(distance(other.images, first.images)).toBeGreaterThan(0.05);
  });

  it('keeps intensities in [0, 1] and labels whole', () => {
    for (let seed = 0; seed < 10; seed++) {
      const { images, labels } = change({ ...everything, probability: 1, draws: 10 }, seed, device);
      for (const value of images) expect(value >= 0 && value <= 1).toBe(true);
      expect(new Set([...labels, 0, 1]).size).toBe(2);
    }
  });
});

describe('a change', () => {
  it('is the same for all slices of a window, and differs from window to window', () => {
    const { images } = change({ ...everything, probability: 1 });
    const slices = Array.from({ length: b * d }, (_, i) => images.subarray(i * size, (i + 1) * size));
    for (let window = 0; window < b; window++) expect(slices[window * d + 1]).toEqual(slices[window * d]);
    expect(distance(slices[0], slices[d])).toBeGreaterThan(0.05);
  });

  it('of place moves image and labels together', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { images, labels } = change(certain({ flip: true, rotate: 15, shear: 0.3, translate: 0.1 }), seed);
      expect(overlap(bright(images), labels)).toBeGreaterThan(0.95);
      expect(overlap(labels, bright(values)), 'it moves at all').toBeLessThan(0.95);
    }
  });

  it('by quarter turns and flips interpolates nothing', () => {
    const sorted = (image: Float32Array) => Float32Array.from(image).sort();
    for (let seed = 0; seed < 8; seed++)
      expect(distance(sorted(change(certain({ flip: true }), seed).images), sorted(values))).toBeLessThan(1e-4);
  });

  it('scales about the centre of the slice', () => {
    // Only `scale` can come out of ten draws when every other range is narrowed to nothing.
    const { images } = change({
      ...{ draws: 10, shear: 0, translate: 0, posterize: [8, 8], contrast: [1, 1] },
      ...{ brightness: [1, 1], sharpness: [1, 1], scale: [0.5, 0.5] },
    });
    // The disc's centre (12, 18) is at (-3.5, 2.5) from the centre (15.5, 15.5); half as far it is at (13.75, 16.75).
    const centre = (axis: (i: number) => number) => {
      let [sum, weight] = [0, 0];
      for (let i = 0; i < size; i++) if (images[i] > 0.45) [sum, weight] = [sum + axis(i), weight + 1];
      return sum / weight;
    };
    expect(centre((i) => Math.floor(i / s))).toBeCloseTo(13.75, 0);
    expect(centre((i) => i % s)).toBeCloseTo(16.75, 0);
  });

  it('by gamma is the power itself, without steps', () => {
    const { images, labels } = change(certain({ gamma: [3, 3] }));
    expect(labels).toEqual(bright(values));
    expect(distance(images, values.map((value) => value ** (1 / 3)) as Float32Array)).toBeLessThan(1e-5);
  });

  it('by erasing puts noise into a box and background into its labels', () => {
    for (let seed = 0; seed < 10; seed++) {
      const { images, labels } = change(certain({ erase: [0.05, 0.05] }), seed);
      const changed = Array.from(images, (value, i) => Math.abs(value - values[i]) > 1e-5);
      const share = changed.filter(Boolean).length / images.length;
      expect(share).toBeGreaterThan(0.03);
      expect(share).toBeLessThan(0.051);
      for (const [i, inside] of changed.entries()) if (inside) expect(labels[i]).toBe(0);
    }
  });

  it('of intensities leaves labels where they are', () => {
    const { images, labels } = change({ draws: 10, shear: 0, scale: [1, 1], translate: 0 });
    expect(labels).toEqual(bright(values));
    expect(distance(images, values)).toBeGreaterThan(0.02);
  });
});
