import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  averageSurfaceDistance,
  cutAlong,
  evaluateLabels,
  labelledExtent,
  robustHausdorff,
  type SurfaceDistances,
  surfaceDice,
  surfaceDistances,
} from '../../src/metrics/index.js';
import { boxMask, emptyMask, noiseMask, type Triple } from './masks.js';

const elements = (distances: number[], areas: number[]) => ({
  distances: Float64Array.from(distances),
  areas: Float64Array.from(areas),
});
const byHand: SurfaceDistances = {
  truthToPrediction: elements([0, 1, 1, 4], [1, 2, 3, 4]),
  predictionToTruth: elements([0, 2], [5, 5]),
  boundaryBias: 1,
};

describe('by hand', () => {
  it('surface Dice counts the area within the tolerance, the tolerance included', () => {
    expect(surfaceDice(byHand, 0)).toBe(6 / 20);
    expect(surfaceDice(byHand, 0.99)).toBe(6 / 20);
    expect(surfaceDice(byHand, 1)).toBe(11 / 20);
    expect(surfaceDice(byHand, 2)).toBe(16 / 20);
    expect(surfaceDice(byHand, 4)).toBe(1);
  });
  it('robust Hausdorff is the distance at which the share of the area is reached, in the worse direction', () => {
    expect(robustHausdorff(byHand, 0)).toBe(0);
    expect(robustHausdorff(byHand, 10)).toBe(0);
    expect(robustHausdorff(byHand, 50)).toBe(1); // half of the prediction is at 0
    expect(robustHausdorff(byHand, 51)).toBe(2);
    expect(robustHausdorff(byHand, 60)).toBe(2); // 60 % of the truth within 1, of the prediction within 2
    expect(robustHausdorff(byHand, 61)).toBe(4);
    expect(robustHausdorff(byHand, 100)).toBe(4);
  });
  it('average distances are weighted by area', () => {
    expect(averageSurfaceDistance(byHand)).toEqual({
      truthToPrediction: 21 / 10,
      predictionToTruth: 10 / 10,
      symmetric: 31 / 20,
    });
  });
  it.each([1, 7, 8, 9, 128, 129, 300, 1001])('weighs each of %i elements once', (count) => {
    const distances = [...Array(count).keys()];
    const surface = elements(distances, Array(count).fill(1));
    const both = { truthToPrediction: surface, predictionToTruth: surface, boundaryBias: 0 };
    expect(averageSurfaceDistance(both).truthToPrediction).toBe((count - 1) / 2);
    expect(surfaceDice(both, 5)).toBe(Math.min(count, 6) / count);
  });
});

describe('a cube moved by one voxel', () => {
  const shape: Triple = [12, 12, 12];
  const spacing: Triple = [3, 2, 1];
  const cube = boxMask(shape, [2, 2, 2], [8, 8, 8]);
  it.each<[string, Triple, number]>([
    ['z', [1, 0, 0], 3],
    ['y', [0, 1, 0], 2],
    ['x', [0, 0, 1], 1],
  ])('along %s is one spacing away and no more', (_, [z, y, x], step) => {
    const moved = boxMask(shape, [2 + z, 2 + y, 2 + x], [8 + z, 8 + y, 8 + x]);
    const distances = surfaceDistances(cube, moved, shape, spacing);
    expect(robustHausdorff(distances, 100)).toBe(step);
    expect(surfaceDice(distances, step)).toBe(1);
    expect(surfaceDice(distances, step * 0.99)).toBeLessThan(1);
    const average = averageSurfaceDistance(distances);
    expect(average.truthToPrediction).toBeCloseTo(average.predictionToTruth, 12);
    expect(average.symmetric).toBeGreaterThan(0);
    expect(average.symmetric).toBeLessThan(step);
  });
});

describe('empty masks', () => {
  const shape: Triple = [4, 4, 4];
  const cube = boxMask(shape, [1, 1, 1], [3, 3, 3]);
  const measure = (truth: Uint8Array, prediction: Uint8Array) => {
    const distances = surfaceDistances(truth, prediction, shape, [1, 1, 1]);
    return [
      surfaceDice(distances, 1),
      robustHausdorff(distances, 95),
      ...Object.values(averageSurfaceDistance(distances)),
    ];
  };
  it('agree perfectly when both are', () => {
    expect(measure(emptyMask(shape), emptyMask(shape))).toEqual([1, 0, 0, 0, 0]);
  });
  it('are infinitely far when one is', () => {
    const infinite = Array(4).fill(Number.POSITIVE_INFINITY);
    expect(measure(cube, emptyMask(shape))).toEqual([0, ...infinite]);
    expect(measure(emptyMask(shape), cube)).toEqual([0, ...infinite]);
  });
});

describe('for any masks', () => {
  const shape: Triple = [7, 6, 5];
  const pairs = fc
    .record({ seed: fc.nat(), density: fc.constantFrom(0.02, 0.3, 0.8) })
    .map(({ seed, density }) =>
      surfaceDistances(noiseMask(shape, density, seed), noiseMask(shape, density, seed + 1), shape, [2, 1, 0.7]),
    );
  const rising = (measure: (d: SurfaceDistances, at: number) => number, range: { min: number; max: number }) =>
    fc.assert(
      fc.property(pairs, fc.double({ ...range, noNaN: true }), fc.double({ ...range, noNaN: true }), (d, a, b) => {
        expect(measure(d, Math.min(a, b))).toBeLessThanOrEqual(measure(d, Math.max(a, b)));
      }),
    );
  it('surface Dice rises with the tolerance', () => rising(surfaceDice, { min: 0, max: 10 }));
  it('Hausdorff rises with the percentage', () => rising(robustHausdorff, { min: 0, max: 100 }));
  it('the Hausdorff distance is the tolerance at which surface Dice is 1', () => {
    fc.assert(
      fc.property(pairs, (d) => {
        expect(surfaceDice(d, robustHausdorff(d, 100))).toBe(1);
      }),
    );
  });
});

describe('the labelled extent', () => {
  it('is what lies between the first and the last labelled slice, along any axis', () => {
    const shape: Triple = [4, 5, 6];
    const labels = boxMask(shape, [1, 2, 0], [3, 3, 5]);
    expect([0, 1, 2].map((axis) => labelledExtent(labels, shape, axis))).toEqual([
      [1, 3],
      [2, 3],
      [0, 5],
    ]);
    const numbered = Uint8Array.from({ length: 120 }, (_, i) => i);
    expect([...cutAlong(numbered, shape, 0, [1, 3])]).toEqual([...numbered.subarray(30, 90)]);
    expect([...cutAlong(numbered, shape, 1, [2, 3])]).toEqual(
      [0, 1, 2, 3].flatMap((z) => [...numbered.subarray(30 * z + 12, 30 * z + 18)]),
    );
    expect([...cutAlong(numbered, shape, 2, [0, 5])]).toEqual([...numbered].filter((i) => i % 6 < 5));
    expect(labelledExtent(emptyMask(shape), shape, 1)).toEqual([0, 5]);
  });
});

describe('evaluateLabels', () => {
  const shape: Triple = [8, 8, 8];
  const truth = boxMask(shape, [1, 1, 1], [4, 7, 7]).map((inside) => inside * 2);
  const prediction = boxMask(shape, [1, 1, 1], [5, 7, 7]).map((inside) => inside * 2);
  truth[0] = 7;
  const options = { shape, spacing: [5, 2, 1] as Triple, classes: [2, 3, 7], toleranceMm: 2 };

  it('measures each class by itself', () => {
    const found = evaluateLabels(truth, prediction, options);
    expect(Object.keys(found)).toEqual(['2', '3', '7']);
    expect(found[2]).toMatchObject({ dice: (2 * 108) / 252, hausdorff95: 5 });
    expect(found[2]!.volumeDifferenceMl).toBeCloseTo(0.36, 12);
    expect(found[2]!.truthMl).toBeCloseTo(1.08, 12);
    expect(found[2]!.predictionMl).toBeCloseTo(1.44, 12);
    expect(found[2]!.surfaceDice).toBeGreaterThan(0.5);
    expect(found[2]!.surfaceDice).toBeLessThan(1);
  });
  it('tells on which side of the reference a mask ends, in mm', () => {
    const box = (from: number, to: number) => boxMask(shape, [from, from, from], [to, to, to]);
    const bias = (of: Uint8Array, by: Uint8Array) =>
      evaluateLabels(of, by, { ...options, spacing: [1, 1, 1], classes: [1] })[1]!.boundaryBias;
    expect(bias(box(2, 6), box(1, 7))).toBeGreaterThan(1);
    expect(bias(box(2, 6), box(1, 7))).toBeLessThan(1.2); // faces are 1 mm away, edges and corners up to √3
    expect(bias(box(1, 7), box(2, 6))).toBe(-1);
    expect(bias(box(2, 6), box(2, 6))).toBe(0);
    // A shift has no side; corners count a little.
    const moved = boxMask(shape, [3, 2, 2], [7, 6, 6]);
    expect(Math.abs(bias(box(2, 6), moved))).toBeLessThan(0.2);
  });
  it('says what an absent class is worth', () => {
    const found = evaluateLabels(truth, prediction, options);
    expect(found[3]).toMatchObject({ dice: 1, surfaceDice: 1, hausdorff95: 0, averageSurfaceDistance: 0, truthMl: 0 });
    expect([found[3]!.boundaryBias, found[7]!.boundaryBias]).toEqual([0, Number.NaN]);
    const infinite = Number.POSITIVE_INFINITY;
    expect(found[7]).toMatchObject({
      dice: 0,
      surfaceDice: 0,
      hausdorff95: infinite,
      averageSurfaceDistance: infinite,
      predictionMl: 0,
    });
  });
  it('refuses label maps of another shape', () => {
    expect(() => evaluateLabels(truth, prediction, { ...options, shape: [8, 8, 9] })).toThrow(/shape \[8, 8, 9\]/);
  });
});
