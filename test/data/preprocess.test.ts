import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import {
  loadCase,
  type Preprocessing,
  placeInSlices,
  prepareLabel,
  prepareVolume,
  preprocessingOf,
  preprocessingSchema,
  readDataset,
  restoreProbabilities,
  siteOf,
} from '../../src/data/index.js';
import { percentiles } from '../../src/data/preprocess/intensity.js';

type Triple = [number, number, number];
const parse = (options: object = {}): Preprocessing => preprocessingSchema.parse(options);

const noise = (shape: Triple, seed = 0, spacing: Triple = [1, 1, 1]) => {
  const stream = random(seed, 'noise');
  const data = Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, () => stream.normal(100, 40));
  return { path: 'noise.nii', data, shape, spacing };
};

/** An ellipsoid that fills most of the field of view. */
const blob = (shape: Triple, spacing: Triple, off: Triple = [0, 0, 0]) => {
  const data = new Uint8Array(shape[0] * shape[1] * shape[2]);
  for (let z = 0, v = 0; z < shape[0]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[2]; x++, v++) {
        const r = [z, y, x].map((at, i) => ((at + 0.5) / shape[i] - 0.5 - off[i]) / 0.36);
        data[v] = Math.hypot(...r) < 1 ? 1 : 0;
      }
  return { path: 'blob.nii', data, shape, spacing };
};

const dice = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let [both, sum] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i] && b[i] ? 1 : 0;
    sum += (a[i] ? 1 : 0) + (b[i] ? 1 : 0);
  }
  return (2 * both) / sum;
};
const threshold = (probabilities: Float32Array) => Uint8Array.from(probabilities, (p) => (p > 0.5 ? 1 : 0));

describe('preprocessingSchema', () => {
  it('has defaults, and survives JSON', () => {
    const preprocessing = parse();
    expect(preprocessing).toEqual({
      axis: 'axial',
      spacing: null,
      size: null,
      stretch: false,
      multiple: 8,
      slices: null,
      intensity: { kind: 'percentile', low: 1, high: 99 },
    });
    expect(parse(JSON.parse(JSON.stringify(preprocessing)))).toEqual(preprocessing);
  });

  it.each([
    { spacing: 0 },
    { size: [100, 128] },
    { spaceing: 1 },
    { intensity: { kind: 'window', low: 40, high: 40 } },
    { intensity: { kind: 'percentile', low: 1, high: 101 } },
    { intensity: { kind: 'fixed-z-score', low: -60, high: 200, mean: 100, deviation: 0 } },
    { slices: [5, 4] },
    { stretch: true, spacing: 2, size: [64, 64] },
  ])('refuses %j', (options) => expect(preprocessingSchema.safeParse(options).success).toBe(false));
});

describe('percentiles', () => {
  it('are those of a sorted copy with linear interpolation, as in NumPy', () => {
    const values = fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 100, noNaN: true }), (data, q) => {
        const sorted = data.toSorted();
        const place = (q / 100) * (data.length - 1);
        const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
        expect(percentiles(data, [q])[0]).toBeCloseTo(below + (above - below) * (place % 1), 5);
      }),
    );
    // numpy.percentile([-3, 1, 2, 10], [1, 50, 99])
    expect(percentiles(Float32Array.of(10, -3, 2, 1), [1, 50, 99]).map((p) => +p.toFixed(6))).toEqual([
      -2.88, 1.5, 9.76,
    ]);
  });

  it('do not mind a view into a larger buffer', () => {
    expect(percentiles(Float32Array.of(9, 9, 1, 2, 3).subarray(2), [50])).toEqual([2]);
  });
});

describe('prepareVolume', () => {
  const layouts = fc.record({
    axis: fc.constantFrom('axial', 'coronal', 'sagittal'),
    spacing: fc.option(fc.double({ min: 0.6, max: 3, noNaN: true })),
    size: fc.option(fc.constantFrom([16, 24], [8, 8], [32, 16])),
    intensity: fc.constantFrom(
      { kind: 'percentile' },
      { kind: 'histogram' },
      { kind: 'min-max' },
      { kind: 'window', low: 50, high: 140 },
    ),
  });

  it('gives values in [0, 1], sides that are multiples, and the same bits for the same object', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const preprocessing = parse(layout);
        const volume = noise([9, 14, 11], 1, [2, 1.1, 0.8]);
        const prepared = prepareVolume(volume, preprocessing);
        const [n, h, w] = prepared.shape;
        expect(prepared.slices).toHaveLength(n * h * w);
        expect([h % 8, w % 8]).toEqual([0, 0]);
        expect(n).toBe({ axial: 9, coronal: 14, sagittal: 11 }[prepared.geometry.axis]);
        expect(prepared.slices.every((value) => value >= 0 && value <= 1)).toBe(true);
        expect(prepareVolume(volume, parse(JSON.parse(JSON.stringify(preprocessing))))).toEqual(prepared);
      }),
    );
  });

  it('lays slices out as rows of the plane', () => {
    const volume = { path: '', shape: [2, 3, 4] as Triple, spacing: [1, 1, 1] as Triple, data: new Float32Array(24) };
    volume.data.set(volume.data.map((_, i) => i));
    const rows = (axis: string, slice: number) => {
      const preprocessing = parse({ axis, multiple: 1, intensity: { kind: 'window', low: 0, high: 23 } });
      const { slices, shape } = prepareVolume(volume, preprocessing);
      const from = slice * shape[1] * shape[2];
      return [...slices.subarray(from, from + shape[1] * shape[2])].map((value) => Math.round(value * 23));
    };
    expect(rows('axial', 1)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
    expect(rows('coronal', 1)).toEqual([4, 5, 6, 7, 16, 17, 18, 19]);
    expect(rows('sagittal', 1)).toEqual([1, 5, 9, 13, 17, 21]);
  });

  it('keeps the middle of the field of view in the middle, at any spacing', () => {
    for (const spacing of [0.5, 1, 1.7, 2.3]) {
      const { data, ...rest } = blob([5, 40, 40], [3, 1, 1]);
      const volume = { ...rest, data: Float32Array.from(data) };
      const preprocessing = parse({ spacing, size: [96, 96], intensity: { kind: 'min-max' } });
      const { slices, shape } = prepareVolume(volume, preprocessing);
      let [row, column, total] = [0, 0, 0];
      slices.forEach((value, i) => {
        row += value * (Math.floor(i / shape[2]) % shape[1]);
        column += value * (i % shape[2]);
        total += value;
      });
      expect(row / total).toBeCloseTo(47.5 + ((Math.ceil(40 / spacing - 1e-3) % 2) / 2) * -1, 1);
      expect(column / total).toBeCloseTo(row / total, 5);
    }
  });

  it('averages fine stripes away when it reduces the resolution', () => {
    const volume = noise([1, 64, 64]);
    volume.data.set(volume.data.map((_, i) => i % 2));
    const { slices, shape } = prepareVolume(volume, parse({ spacing: 4, multiple: 1, intensity: { kind: 'min-max' } }));
    expect(shape).toEqual([1, 16, 16]);
    for (const value of slices) expect(Math.abs(value - 0.5)).toBeLessThan(0.1);
  });

  it('pads with the least voxel, also of z-scores', () => {
    const { slices } = prepareVolume(noise([2, 10, 10]), parse({ intensity: { kind: 'z-score' } }));
    expect(slices[0]).toBe(Math.min(...slices));
    expect(slices[0]).toBeLessThan(-1.5);
  });

  describe('with the intensities `histogram`', () => {
    const histogram = parse({ multiple: 1, intensity: { kind: 'histogram' } });

    it('gives every volume the same deciles above its mean, however its brightness is bent there', () => {
      const volume = noise([8, 40, 40], 3);
      const mean = volume.data.reduce((sum, value) => sum + value, 0) / volume.data.length;
      for (const power of [0.5, 1, 2]) {
        const data = volume.data.map((value) => (value > mean ? mean + 50 * ((value - mean) / 50) ** power : value));
        const centre = data.reduce((sum, value) => sum + value, 0) / data.length;
        const { slices } = prepareVolume({ ...volume, data }, histogram);
        const above = slices.filter((_, i) => data[i] > centre);
        expect(percentiles(above, [0, 10, 50, 90, 100]).map((value) => +value.toFixed(3))).toEqual([
          expect.closeTo(0.15, 2),
          0.235,
          0.575,
          0.915,
          1,
        ]);
      }
    });

    it('keeps the order of the voxels and does not mind a scale or an offset', () => {
      const values = fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 2, maxLength: 60 });
      fc.assert(
        fc.property(
          values,
          fc.integer({ min: 1, max: 64 }),
          fc.integer({ min: -99, max: 99 }),
          (raw, scale, offset) => {
            fc.pre(new Set(raw).size > 1);
            const prepare = (data: number[]) =>
              prepareVolume(
                { path: '', data: Float32Array.from(data), shape: [1, 1, data.length], spacing: [1, 1, 1] },
                histogram,
              ).slices;
            const slices = prepare(raw);
            const order = raw.map((_, i) => i).sort((a, b) => raw[a] - raw[b]);
            for (let i = 1; i < order.length; i++)
              expect(slices[order[i]]).toBeGreaterThanOrEqual(slices[order[i - 1]]);
            const other = prepare(raw.map((value) => value * scale + offset));
            other.forEach((value, i) => {
              expect(value).toBeCloseTo(slices[i], 3);
            });
          },
        ),
      );
    });
  });

  it.each([
    [
      'VOLUME_CONSTANT',
      Float32Array.of(9, ...new Array(7).fill(3)),
      { intensity: { kind: 'percentile', high: 80 } },
      'percentiles 1 and 80 are both 3',
    ],
    ['VOLUME_CONSTANT', new Float32Array(8).fill(3), { intensity: { kind: 'z-score' } }, 'every voxel is 3'],
    ['VOLUME_CONSTANT', new Float32Array(8).fill(3), { intensity: { kind: 'min-max' } }, 'every voxel is 3'],
    ['SLICES_TOO_LARGE', Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), { spacing: 0.0004 }, 'become 5000 x 5000'],
    ['SLICES_TOO_LARGE', Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), { size: [9000, 9000] }, 'padded to 9000 x 9000'],
  ])('%s names the file', (code, data, options, message) => {
    const prepare = () =>
      prepareVolume({ path: 'scan7.nii', data, shape: [2, 2, 2], spacing: [1, 1, 1] }, parse(options));
    expect(prepare).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
    expect(prepare).toThrow('scan7.nii');
  });
});

describe('restoreProbabilities', () => {
  it('is the exact inverse of padding at native spacing', () => {
    const shapes = fc.tuple(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 2, max: 19 }),
      fc.integer({ min: 2, max: 19 }),
    );
    fc.assert(
      fc.property(shapes, fc.constantFrom('axial', 'coronal', 'sagittal'), fc.nat(), (shape, axis, seed) => {
        const volume = noise(shape, seed, [3, 0.9, 0.7]);
        const preprocessing = parse({ axis, intensity: { kind: 'window', low: 0, high: 1 } });
        volume.data.set(volume.data.map((value) => Math.abs(value) / 400));
        const { slices, geometry } = prepareVolume(volume, preprocessing);
        expect(restoreProbabilities(slices, geometry)).toEqual(volume.data.map((value) => Math.min(1, value)));
      }),
    );
  });

  it('is 0 outside the crop and exact inside', () => {
    const volume = noise([2, 20, 21]);
    const { slices, geometry } = prepareVolume(volume, parse({ size: [8, 16], intensity: { kind: 'min-max' } }));
    const ones = restoreProbabilities(slices.fill(1), geometry);
    expect(ones.reduce((sum, value) => sum + value)).toBe(2 * 8 * 16);
    expect(ones[6 * 21 + 2]).toBe(0);
    expect(ones[6 * 21 + 3]).toBe(1);
    expect(ones[5 * 21 + 3]).toBe(0);
  });

  it('brings a label back to its own grid', () => {
    const spacings = fc.double({ min: 0.8, max: 1.2, noNaN: true });
    const offset = fc.double({ min: -0.08, max: 0.08, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom('axial', 'coronal', 'sagittal'),
        fc.tuple(spacings, spacings, spacings),
        fc.tuple(offset, offset, offset),
        spacings,
        (axis, native, off, spacing) => {
          const label = blob([36, 40, 44], native, off);
          const preprocessing = parse({ axis, spacing, intensity: { kind: 'min-max' } });
          const { slices, geometry } = prepareVolume({ ...label, data: Float32Array.from(label.data) }, preprocessing);
          expect(dice(threshold(restoreProbabilities(slices, geometry)), label.data)).toBeGreaterThan(0.97);
          const prepared = Float32Array.from(prepareLabel(label, preprocessing));
          expect(dice(threshold(restoreProbabilities(prepared, geometry)), label.data)).toBeGreaterThan(0.97);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('slices that are kept', () => {
  const shape: Triple = [6, 8, 16];
  const volume = noise(shape, 4);
  const at = (z: number, y: number, x: number) => volume.data[(z * shape[1] + y) * shape[2] + x];

  it.each([
    ['axial', [2, 4]],
    ['coronal', [1, 6]],
    ['sagittal', [3, 9]],
  ] as const)('%s slices %j: the others are not seen, do not scale, and are background', (axis, [first, last]) => {
    const options = { axis, slices: [first, last], multiple: 1, intensity: { kind: 'min-max' } };
    const kept = prepareVolume(volume, parse(options));
    const count = last - first + 1;
    expect(kept.shape[0]).toBe(count);
    // A volume of the kept slices alone gives the same.
    const stacked: Triple = [...shape];
    const dimension = { axial: 0, coronal: 1, sagittal: 2 }[axis];
    stacked[dimension] = count;
    const data = new Float32Array(stacked[0] * stacked[1] * stacked[2]);
    const from: Triple = [0, 0, 0];
    from[dimension] = first;
    for (let z = 0, i = 0; z < stacked[0]; z++)
      for (let y = 0; y < stacked[1]; y++)
        for (let x = 0; x < stacked[2]; x++, i++) data[i] = at(z + from[0], y + from[1], x + from[2]);
    const alone = prepareVolume({ ...volume, data, shape: stacked }, parse({ ...options, slices: null }));
    expect(kept.slices).toEqual(alone.slices);

    const ones = new Float32Array(kept.slices.length).fill(1);
    const restored = restoreProbabilities(ones, kept.geometry);
    expect(restored.reduce((sum, value) => sum + value, 0)).toBe(data.length);
    expect(restored[((from[0] + 0) * shape[1] + from[1]) * shape[2] + from[2]]).toBe(1);
    if (dimension === 0) expect(restored[0]).toBe(0);
    const label = { ...volume, data: Uint8Array.from(volume.data, (value) => (value > 100 ? 1 : 0)) };
    const truth = Uint8Array.from(data, (value) => (value > 100 ? 1 : 0));
    expect(prepareLabel(label, parse(options))).toEqual(
      prepareLabel({ ...label, data: truth, shape: stacked }, parse({ ...options, slices: null })),
    );
  });

  it('end with the volume, and are refused where they begin after it', () => {
    expect(prepareVolume(volume, parse({ slices: [4, 99] })).shape[0]).toBe(2);
    expect(() => prepareVolume(volume, parse({ slices: [6, 9] }))).toThrow(
      expect.objectContaining({ code: 'SLICES_OUTSIDE', message: expect.stringContaining('a volume of 6') }),
    );
  });

  it('are counted from the first kept one where a place is looked up', () => {
    const { geometry } = prepareVolume(volume, parse({ slices: [2, 4] }));
    expect(placeInSlices(geometry, [0, 0, 3]).slice).toBe(1);
  });
});

describe('what a data set fixes', () => {
  it('goes before the recipe, and leaves the rest to it', () => {
    const own = { slices: [3, 4] as [number, number] };
    expect(preprocessingOf({ preprocessing: own }, parse({ spacing: 2 }))).toEqual(parse({ spacing: 2, ...own }));
    expect(preprocessingOf({}, parse())).toEqual(parse());
  });

  it('scales by constants: clipped first, then the given mean is 0 and the given deviation 1', () => {
    const data = Float32Array.from([-500, -66, 100, 208, 900, 131]);
    const intensity = { kind: 'fixed-z-score', low: -66, high: 208, mean: 100, deviation: 50 };
    const volume = { path: 'v.nii', data, shape: [1, 2, 3] as Triple, spacing: [1, 1, 1] as Triple };
    const { slices } = prepareVolume(volume, parse({ intensity, multiple: 1 }));
    [-3.32, -3.32, 0, 2.16, 2.16, 0.62].forEach((value, i) => {
      expect(slices[i]).toBeCloseTo(value, 5);
    });
  });
});

describe('stretched slices', () => {
  it('fill the size, whatever their spacing, and come back to their own grid', () => {
    const volume = blob([10, 60, 90], [1, 0.7, 2]);
    const preprocessing = parse({ stretch: true, size: [64, 64] });
    const { geometry, shape } = prepareVolume({ ...volume, data: Float32Array.from(volume.data) }, preprocessing);
    expect(shape).toEqual([10, 64, 64]);
    expect(geometry.spacing[0]).toBeCloseTo((60 * 0.7) / 64, 6);
    expect(geometry.spacing[1]).toBeCloseTo((90 * 2) / 64, 6);
    const label = Float32Array.from(prepareLabel(volume, preprocessing));
    expect(dice(threshold(restoreProbabilities(label, geometry)), volume.data)).toBeGreaterThan(0.97);
  });
});

describe('prepareLabel', () => {
  it('is the label itself at native spacing, and lies on the grid of the image', () => {
    const label = blob([6, 16, 24], [1, 1, 1]);
    label.data.set(label.data.map((value, i) => value && 1 + (i % 3)));
    expect(prepareLabel(label, parse())).toEqual(label.data);
    const { shape } = prepareVolume(noise([6, 16, 24]), parse({ spacing: 0.8 }));
    expect(prepareLabel(label, parse({ spacing: 0.8 }))).toHaveLength(shape[0] * shape[1] * shape[2]);
  });

  it('takes the class with the largest share', () => {
    // Two by two voxels become one pixel: 2 2 | 1 0 has most of class 2.
    const label = {
      path: '',
      data: Uint8Array.of(2, 2, 1, 0),
      shape: [1, 2, 2] as Triple,
      spacing: [1, 1, 1] as Triple,
    };
    expect([...prepareLabel(label, parse({ spacing: 2, multiple: 1 }))]).toEqual([2]);
  });
});

const brain = '../shared/data/brain';
describe.skipIf(!existsSync(brain))(`real volumes (${brain})`, () => {
  it.each(['ixi-t1', 'lju-t2', 'lju-flair'])('a label of %s comes back to its own grid', (site) => {
    const { image, label } = loadCase(siteOf(readDataset(brain), site).cases[0], { classes: 2 });
    const preprocessing = parse({ spacing: 2, size: [128, 128] });
    const { slices, shape, geometry } = prepareVolume(image, preprocessing);
    expect(shape).toEqual([image.shape[0], 128, 128]);
    expect(slices.some((value) => value === 1)).toBe(true);
    const restored = restoreProbabilities(Float32Array.from(prepareLabel(label!, preprocessing)), geometry);
    expect(dice(threshold(restored), label!.data)).toBeGreaterThan(0.97);
  });
});
