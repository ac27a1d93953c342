/** Where masks disagree, against the definition voxel by voxel. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { disagreement } from '../../src/metrics/index.js';
import { emptyMask, noiseMask, type Triple } from './masks.js';

const shape: Triple = [3, 4, 5];
const spacing: Triple = [3, 1, 0.5];
const places = Array.from({ length: 60 }, (_, i): Triple => [Math.floor(i / 20), Math.floor(i / 5) % 4, i % 5]);

/** Corners around which some voxels are inside and some are not. */
function surface(mask: Uint8Array): Triple[] {
  const inside = new Set(places.flatMap((place, i) => (mask[i] ? [place.join()] : [])));
  const corners = Array.from(
    { length: 4 * 5 * 6 },
    (_, i): Triple => [Math.floor(i / 30), Math.floor(i / 6) % 5, i % 6],
  );
  return corners.filter(([z, y, x]) => {
    const around = [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => [z - (bit >> 2), y - ((bit >> 1) & 1), x - (bit & 1)].join());
    const count = around.filter((one) => inside.has(one)).length;
    return count > 0 && count < 8;
  });
}

it('is the distance to the reference’s surface where one mask alone is, and nothing elsewhere', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), (one, other) => {
      const [truth, prediction] = [noiseMask(shape, 0.5, one), noiseMask(shape, 0.5, other)];
      const map = runWithoutPauses(disagreement(truth, prediction, shape, spacing));
      const corners = surface(truth);
      for (const [i, place] of places.entries()) {
        const nearest = Math.min(
          ...corners.map((one) => Math.hypot(...one.map((v, axis) => (v - place[axis]!) * spacing[axis]!))),
        );
        expect(map[i]).toBeCloseTo((truth[i] !== 0) === (prediction[i] !== 0) ? 0 : nearest, 5);
      }
    }),
    { numRuns: 30 },
  );
});

it('is infinite where there is no reference', () => {
  const map = runWithoutPauses(disagreement(emptyMask(shape), noiseMask(shape, 0.5, 1), shape, spacing));
  expect(new Set(map)).toEqual(new Set([0, Number.POSITIVE_INFINITY]));
});
