import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import { type SurfaceDistances, surfaceDistances } from '../../src/metrics/index.js';
import { surfelAreas } from '../../src/metrics/surfels.js';
import { boxMask, emptyMask, noiseMask, type Triple } from './masks.js';

/** The definition, element by element: every corner against every corner. */
function bruteForce(truth: Uint8Array, prediction: Uint8Array, shape: Triple, spacing: Triple): SurfaceDistances {
  const areas = surfelAreas(spacing);
  const corners = (mask: Uint8Array) => {
    const inside = (z: number, y: number, x: number) =>
      z >= 0 && y >= 0 && x >= 0 && z < shape[0] && y < shape[1] && x < shape[2]
        ? Number(mask[(z * shape[1] + y) * shape[2] + x] !== 0)
        : 0;
    const found: { at: Triple; area: number }[] = [];
    const codes = new Map<string, number>();
    for (let z = 0; z <= shape[0]; z++)
      for (let y = 0; y <= shape[1]; y++)
        for (let x = 0; x <= shape[2]; x++) {
          let code = 0;
          for (let bit = 0; bit < 8; bit++)
            code |= inside(z - 1 + (bit >> 2), y - 1 + ((bit >> 1) & 1), x - 1 + (bit & 1)) << bit;
          codes.set([z, y, x].join(), code);
          if (code !== 0 && code !== 255) found.push({ at: [z, y, x], area: areas[code]! });
        }
    return { found, codes };
  };
  const [{ found: there, codes }, { found: back }] = [corners(truth), corners(prediction)];
  const nearest = ({ at }: (typeof there)[number], to: typeof there) =>
    Math.min(...to.map((other) => Math.hypot(...at.map((v, i) => (v - other.at[i]!) * spacing[i]!))));
  const signed = back.map((one) => (codes.get(one.at.join()) === 255 ? -1 : 1) * one.area * nearest(one, there));
  const add = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const elements = (from: typeof there, to: typeof there) => {
    const rows = from
      .map((one) => ({ distance: nearest(one, to), area: one.area }))
      .sort((a, b) => a.distance - b.distance || a.area - b.area);
    return {
      distances: Float64Array.from(rows, (row) => row.distance),
      areas: Float64Array.from(rows, (row) => row.area),
    };
  };
  return {
    truthToPrediction: elements(there, back),
    predictionToTruth: elements(back, there),
    boundaryBias: there.length + back.length === 0 ? 0 : there.length * back.length === 0 ? Number.NaN : mean(),
  };
  function mean() {
    return add(signed) / add(back.map(({ area }) => area));
  }
}

const close = (found: Float64Array, expected: Float64Array) => {
  expect(found).toHaveLength(expected.length);
  for (let i = 0; i < found.length; i++)
    if (found[i] !== expected[i]) expect(Math.abs(found[i]! / expected[i]! - 1)).toBeLessThan(1e-12);
};

const size = fc.integer({ min: 1, max: 8 });
const spacingOf = fc.constantFrom<Triple>([1, 1, 1], [2, 1, 0.7], [0.6, 0.8, 1], [5, 0.3, 0.3], [0.25, 4, 1.5]);
const density = fc.constantFrom(0, 0.02, 0.1, 0.5, 0.9, 1);
const masks = fc.record({ shape: fc.tuple(size, size, size), spacing: spacingOf, seed: fc.nat() }).chain((grid) =>
  fc.tuple(density, density).map(([inTruth, inPrediction]) => ({
    ...grid,
    truth: noiseMask(grid.shape, inTruth, grid.seed),
    prediction: noiseMask(grid.shape, inPrediction, grid.seed + 1),
  })),
);

describe('surfaceDistances', () => {
  it('is what comparing every corner with every corner gives', () => {
    fc.assert(
      fc.property(masks, ({ shape, spacing, truth, prediction }) => {
        const found = surfaceDistances(truth, prediction, shape, spacing);
        const expected = bruteForce(truth, prediction, shape, spacing);
        for (const direction of ['truthToPrediction', 'predictionToTruth'] as const)
          close(found[direction].distances, expected[direction].distances);
        // Areas are ordered by distance, whose last bit brute force computes otherwise: compare them as a whole.
        for (const direction of ['truthToPrediction', 'predictionToTruth'] as const)
          close(found[direction].areas.toSorted(), expected[direction].areas.toSorted());
        if (Number.isNaN(expected.boundaryBias)) expect(found.boundaryBias).toBeNaN();
        else expect(found.boundaryBias).toBeCloseTo(expected.boundaryBias, 9);
      }),
      { numRuns: 150 },
    );
  });

  it.each<[string, Triple, Triple]>([
    ['farther than neighbouring columns are looked at', [3, 40, 50], [1, 1, 1]],
    ['in long thin voxels', [40, 9, 30], [0.2, 3, 1]],
  ])('is exact for masks %s', (_, shape, spacing) => {
    const truth = boxMask(shape, [0, 0, 0], [2, 4, 3]);
    const prediction = boxMask(shape, [shape[0] - 2, shape[1] - 3, shape[2] - 5], shape);
    const found = surfaceDistances(truth, prediction, shape, spacing);
    const expected = bruteForce(truth, prediction, shape, spacing);
    close(found.truthToPrediction.distances, expected.truthToPrediction.distances);
    close(found.predictionToTruth.distances, expected.predictionToTruth.distances);
  });

  it('exchanges the directions when the masks are exchanged', () => {
    fc.assert(
      fc.property(masks, ({ shape, spacing, truth, prediction }) => {
        const found = surfaceDistances(truth, prediction, shape, spacing);
        const exchanged = surfaceDistances(prediction, truth, shape, spacing);
        expect(exchanged.truthToPrediction).toEqual(found.predictionToTruth);
        expect(exchanged.predictionToTruth).toEqual(found.truthToPrediction);
      }),
      { numRuns: 50 },
    );
  });

  it('is sorted by distance, then area', () => {
    fc.assert(
      fc.property(masks, ({ shape, spacing, truth, prediction }) => {
        const { distances, areas } = surfaceDistances(truth, prediction, shape, spacing).truthToPrediction;
        for (let i = 1; i < distances.length; i++)
          expect(
            distances[i - 1]! < distances[i]! || (distances[i - 1] === distances[i] && areas[i - 1]! <= areas[i]!),
          ).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('scales with the spacing: distances by s, areas by s²', () => {
    fc.assert(
      fc.property(masks, fc.double({ min: 0.1, max: 10, noNaN: true }), (grid, s) => {
        const { shape, spacing, truth, prediction } = grid;
        const scaled = spacing.map((step) => step * s) as Triple;
        const before = surfaceDistances(truth, prediction, shape, spacing).truthToPrediction;
        const after = surfaceDistances(truth, prediction, shape, scaled).truthToPrediction;
        close(
          after.distances,
          before.distances.map((distance) => distance * s),
        );
        close(after.areas.toSorted(), before.areas.map((area) => area * s * s).toSorted());
      }),
      { numRuns: 50 },
    );
  });

  it('does not depend on where in the volume the masks are, also at its edges', () => {
    const shape: Triple = [6, 7, 8];
    const at = (z: number, y: number, x: number) =>
      surfaceDistances(
        boxMask(shape, [z, y, x], [z + 2, y + 2, x + 2]),
        boxMask(shape, [z, y, x], [z + 3, y + 2, x + 4]),
        shape,
        [2, 1, 0.7],
      );
    expect(at(0, 0, 0)).toEqual(at(1, 2, 3));
    expect(at(3, 5, 4)).toEqual(at(1, 2, 3));
  });

  it('takes masks from any place of a buffer', () => {
    const [truth, prediction] = [
      boxMask([9, 10, 11], [2, 3, 1], [5, 8, 9]),
      boxMask([9, 10, 11], [3, 3, 2], [7, 9, 9]),
    ];
    const expected = surfaceDistances(truth, prediction, [9, 10, 11], [2, 1, 0.7]);
    for (let from = 1; from < 4; from++) {
      const moved = new Uint8Array(truth.length + from).fill(1).subarray(from);
      moved.set(truth);
      expect(surfaceDistances(moved, prediction, [9, 10, 11], [2, 1, 0.7])).toEqual(expected);
    }
  });
  it('gives a single voxel eight corners', () => {
    const { distances, areas } = surfaceDistances(
      boxMask([1, 1, 4], [0, 0, 0], [1, 1, 1]),
      boxMask([1, 1, 4], [0, 0, 3], [1, 1, 4]),
      [1, 1, 4],
      [1, 1, 2],
    ).truthToPrediction;
    expect([...distances]).toEqual([4, 4, 4, 4, 6, 6, 6, 6]);
    for (const area of areas) expect(area).toBeCloseTo(Math.hypot(1, 2, 2) / 8, 12);
  });

  it('is Infinity from a mask to an empty one, which has no elements', () => {
    const cube = boxMask([4, 4, 4], [1, 1, 1], [3, 3, 3]);
    const { truthToPrediction, predictionToTruth } = surfaceDistances(cube, emptyMask([4, 4, 4]), [4, 4, 4], [1, 1, 1]);
    expect(truthToPrediction.distances).toHaveLength(26); // 27 corners, the one in the middle is not on the surface
    expect(new Set(truthToPrediction.distances)).toEqual(new Set([Number.POSITIVE_INFINITY]));
    expect(predictionToTruth.distances).toHaveLength(0);
  });

  it('refuses a mask that does not fill the shape', () => {
    const mask = emptyMask([2, 3, 4]);
    expect(() => surfaceDistances(mask, mask, [2, 3, 5], [1, 1, 1])).toThrow(GraftError);
    expect(() => surfaceDistances(mask, emptyMask([2, 3, 3]), [2, 3, 4], [1, 1, 1])).toThrow(
      'The prediction has 18 voxels, but 24 were expected (shape [2, 3, 4]).',
    );
    expect(() => surfaceDistances(mask, mask, [2, 3, 4], [1, -1, 1])).toThrow(/spacing/);
  });
});
