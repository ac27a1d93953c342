import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { surfaceAgreement, surfaceDice, surfaceDistances } from '../../src/metrics/index.js';
import { boxMask, emptyMask, noiseMask, type Triple } from './masks.js';

const agreement = (first: Uint8Array, second: Uint8Array, shape: Triple, spacing: Triple, toleranceMm: number) =>
  runWithoutPauses(surfaceAgreement(first, second, shape, spacing, toleranceMm));

describe('surfaceAgreement', () => {
  const size = fc.integer({ min: 1, max: 9 });
  const step = fc.constantFrom(0.3, 0.7, 1, 1.5, 3);
  it('is the surface Dice of the measured distances, whatever the tolerance', () => {
    fc.assert(
      fc.property(
        fc.tuple(size, size, size),
        fc.tuple(step, step, step),
        fc.tuple(fc.constantFrom(0, 0.02, 0.4, 1), fc.constantFrom(0, 0.02, 0.4, 1)),
        // Multiples of the spacing lie exactly on the tolerance; the last is measured by distances.
        fc.constantFrom(0, 0.3, 0.9, 1, 1.4, 2.1, 3, 4.5, 40),
        fc.nat(),
        (shape, spacing, [dense, sparse], toleranceMm, seed) => {
          const [first, second] = [noiseMask(shape, dense, seed), noiseMask(shape, sparse, seed + 1)];
          const measured = surfaceDice(surfaceDistances(first, second, shape, spacing), toleranceMm);
          expect(agreement(first, second, shape, spacing, toleranceMm)).toBeCloseTo(measured, 12);
        },
      ),
      { numRuns: 300 },
    );
  });
  it('does not depend on which mask is the first', () => {
    const shape: Triple = [9, 12, 10];
    const [one, other] = [noiseMask(shape, 0.3, 1), boxMask(shape, [2, 2, 2], [7, 8, 9])];
    expect(agreement(one, other, shape, [2, 1, 1], 1)).toBe(agreement(other, one, shape, [2, 1, 1], 1));
  });
  it('is 1 for two empty masks and 0 for one', () => {
    const shape: Triple = [4, 4, 4];
    const cube = boxMask(shape, [1, 1, 1], [3, 3, 3]);
    expect(agreement(emptyMask(shape), emptyMask(shape), shape, [1, 1, 1], 1)).toBe(1);
    expect(agreement(cube, emptyMask(shape), shape, [1, 1, 1], 1)).toBe(0);
  });
  it('refuses masks of another size and spacings that are none', () => {
    expect(() => agreement(emptyMask([2, 2, 2]), emptyMask([2, 2, 3]), [2, 2, 2], [1, 1, 1], 1)).toThrow(/second mask/);
    expect(() => agreement(emptyMask([2, 2, 2]), emptyMask([2, 2, 2]), [2, 2, 2], [1, 0, 1], 1)).toThrow(/spacing/);
  });
});
