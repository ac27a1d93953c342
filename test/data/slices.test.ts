/** Cases as slices, and the pool that training draws from. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import {
  type CaseSlices,
  foregroundMaps,
  generatePhantoms,
  loadSlices,
  preprocessingSchema,
  SlicePool,
} from '../../src/data/index.js';
import { scope, tensor } from '../../src/torch/index.js';

/** A case whose slices hold their own number, in images and labels alike. */
function numbered(from: number, n: number, [h, w]: [number, number], labelled = true): CaseSlices {
  const values = Float32Array.from({ length: n * h * w }, (_, i) => from + Math.floor(i / (h * w)));
  return {
    case: { site: 's', name: `from${from}`, image: '' },
    images: tensor(values, [n, 1, h, w]),
    geometry: undefined!,
    spacing: [1, 1, 1],
    ...(labelled && { labels: Uint8Array.from(values) }),
  };
}

interface Drawn {
  numbers: number[];
  size: string;
}

/** The slices of an epoch, batch by batch, after checking that images and labels belong together. */
function draw(pool: SlicePool, batch: number, seed: number): Drawn[] {
  return [...pool.epoch(batch, random(seed, 'epoch'))].map(({ take }) =>
    scope(() => {
      const { images, labels } = take();
      const [b, channels, h, w] = images.shape;
      expect(channels).toBe(1);
      const values = images.toArray() as Float32Array;
      const numbers = Array.from({ length: b }, (_, i) => values[i * h * w]);
      expect([...values]).toEqual(numbers.flatMap((number) => Array(h * w).fill(number)));
      if (labels) {
        expect(labels.shape).toEqual([b, h, w]);
        expect(Array.from(labels.toArray(), Number)).toEqual([...values]);
      }
      return { numbers, size: `${h}x${w}` };
    }),
  );
}

describe('an epoch', () => {
  const cases = () => [numbered(0, 5, [2, 3]), numbered(5, 4, [4, 2]), numbered(9, 3, [2, 3])];

  it('holds every slice exactly once, and never two sizes in a batch', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(1000), (batch, seed) => {
        using pool = new SlicePool(cases());
        const batches = draw(pool, batch, seed);
        expect(batches.flatMap(({ numbers }) => numbers).sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
        expect(batches.length).toBe(pool.batches(batch));
        for (const { numbers, size } of batches) {
          expect(numbers.length).toBeLessThanOrEqual(batch);
          for (const number of numbers) expect(size).toBe(number >= 5 && number < 9 ? '4x2' : '2x3');
        }
        expect(pool.size).toBe(12);
      }),
      { numRuns: 20 },
    );
  });

  it('has the order of its random stream', () => {
    using pool = new SlicePool(cases());
    expect(draw(pool, 2, 1)).toEqual(draw(pool, 2, 1));
    expect(draw(pool, 2, 1)).not.toEqual(draw(pool, 2, 2));
  });

  it('has the labels of all cases or of none', () => {
    using mixed = new SlicePool([numbered(0, 2, [2, 2]), numbered(2, 2, [2, 2], false)]);
    const [batch] = mixed.epoch(4, random(1));
    expect(scope(() => batch.take().labels)).toBeUndefined();
  });

  it('outlives the cases that it was made from', () => {
    const made = cases();
    using pool = new SlicePool(made);
    for (const { images } of made) images.dispose();
    expect(draw(pool, 12, 3)).toHaveLength(2);
  });
});

describe('foreground maps', () => {
  it('have one channel for each class but the background', () => {
    const labels = tensor(Uint8Array.of(0, 1, 2, 2), [1, 2, 2]);
    const maps = foregroundMaps(labels, 3);
    expect({ shape: maps.shape, dtype: maps.dtype }).toEqual({ shape: [1, 2, 2, 2], dtype: 'float32' });
    expect([...(maps.toArray() as Float32Array)]).toEqual([0, 1, 0, 0, 0, 0, 1, 1]);
  });
});

describe('loading cases', () => {
  const root = mkdtempSync(join(tmpdir(), 'graft-slices-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const { sites } = generatePhantoms(root, { scanners: ['siemens-t1'], cases: 1, spacing: 8 });
  const { cases } = sites[0];
  const preprocessing = preprocessingSchema.parse({ spacing: 8, size: [32, 32] });

  it('prepares images and labels alike', () => {
    const [{ images, labels, spacing }] = loadSlices(cases, preprocessing, { classes: 2 });
    const [n, ...rest] = images.shape;
    expect(rest).toEqual([1, 32, 32]);
    expect(labels).toHaveLength(n * 32 * 32);
    expect(spacing.slice(1)).toEqual([8, 8]);
    const values = images.toArray() as Float32Array;
    const means = [0, 1].map((label) => {
      const chosen = values.filter((_, i) => labels![i] === label);
      return chosen.reduce((a, b) => a + b, 0) / chosen.length;
    });
    expect(means[1], 'the brain is brighter than what is around it').toBeGreaterThan(means[0] + 0.2);
  });

  it('does not even open labels that are not wanted', () => {
    const label = join(root, 'garbage', 'label.nii.gz');
    mkdirSync(dirname(label));
    writeFileSync(label, 'no volume at all');
    const spoilt = cases.map((one) => ({ ...one, label }));
    const [{ labels, images }] = loadSlices(spoilt, preprocessing, { classes: 2, labels: false });
    expect(labels).toBeUndefined();
    const [clean] = loadSlices(cases, preprocessing, { classes: 2 });
    expect(images.toBytes()).toEqual(clean.images.toBytes());
    expect(() => loadSlices(spoilt, preprocessing, { classes: 2 })).toThrow('label.nii.gz');
  });
});
