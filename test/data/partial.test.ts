/** Slices of a part of a volume, as its file stores it, and cubic resampling. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random, runWithoutPauses } from '../../src/core/index.js';
import { prepareVolume, preprocessingSchema, RestoredLabels, type Volume } from '../../src/data/index.js';
import { boxOfNonzero, insideOf } from '../../src/data/preprocess/nonzero.js';
import { splineTaps } from '../../src/data/preprocess/spline.js';

type Triple = [number, number, number];

/** A volume whose file stores x along its axis `axes[0]` and so on, against the world where `flips` says so. */
function volumeOf(shape: Triple, axes: Triple = [0, 1, 2], flips: [boolean, boolean, boolean] = [false, false, false]) {
  const { normal } = random(1, 'partial');
  const data = Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, () => normal(100, 40));
  const grid = { orientation: { axes, flips } } as unknown as Volume['grid'];
  return { path: 'scan.nii', data, shape, spacing: [1, 1, 1] as Triple, grid };
}

const window = { kind: 'window', low: 0, high: 200 } as const;
const asTheyAre = { kind: 'fixed-z-score', low: -1e9, high: 1e9, mean: 0, deviation: 1 } as const;

describe('slices as the file stores them', () => {
  const shape: Triple = [3, 4, 5];

  it.each([['axial'], ['coronal'], ['sagittal']] as const)('%s: its own axes, whichever way they lie', (axis) => {
    // x runs along the second stored axis, y against the first, z against the third.
    const volume = volumeOf(shape, [1, 0, 2], [false, true, true]);
    const stored = [3, 5, 4]; // sizes along the third, second and first stored axis
    const order = { axial: [0, 1, 2], coronal: [1, 0, 2], sagittal: [2, 0, 1] }[axis];
    const { slices, shape: got } = prepareVolume(
      volume,
      preprocessingSchema.parse({ axis, orientation: 'stored', multiple: 1, intensity: asTheyAre }),
    );
    expect(got).toEqual(order.map((one) => stored[one]));
    let compared = 0;
    for (let n = 0, i = 0; n < got[0]; n++)
      for (let r = 0; r < got[1]; r++)
        for (let c = 0; c < got[2]; c++, i++) {
          const place = [0, 0, 0];
          [n, r, c].forEach((at, along) => {
            place[order[along]] = at;
          });
          const [third, second, first] = place;
          const [z, y, x] = [shape[0] - 1 - third, shape[1] - 1 - first, second];
          expect(slices[i]).toBeCloseTo(volume.data[(z * shape[1] + y) * shape[2] + x], 3);
          compared++;
        }
    expect(compared).toBe(60);
  });

  it('labels go back to where their slices came from', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Triple>([0, 1, 2], [1, 0, 2], [2, 0, 1], [1, 2, 0]),
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
        fc.constantFrom('axial', 'coronal', 'sagittal'),
        (axes, flips, axis) => {
          const volume = volumeOf(shape, axes, flips);
          const preprocessing = { axis, orientation: 'stored', multiple: 1, intensity: window };
          const { slices, geometry } = prepareVolume(volume, preprocessingSchema.parse(preprocessing));
          const restored = new RestoredLabels([geometry], { channels: 1, background: 'half' });
          restored.add(slices, 0);
          expect([...restored.labels]).toEqual([...volume.data].map((value) => (value > 100 ? 1 : 0)));
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('what is not zero', () => {
  /** A hollow box of ones from (1, 1, 2) to (3, 4, 5) in zeros. */
  const shape: Triple = [5, 6, 8];
  const data = new Float32Array(240);
  for (let z = 1; z <= 3; z++)
    for (let y = 1; y <= 4; y++)
      for (let x = 2; x <= 5; x++)
        data[(z * 6 + y) * 8 + x] = z === 2 && y > 1 && y < 4 && x > 2 && x < 5 ? 0 : 1 + ((x + y) % 2);
  const volume = { path: 'box.nii', data, shape, spacing: [1, 1, 1] as Triple };

  it('has a box, and an inside with what it encloses', () => {
    expect(runWithoutPauses(boxOfNonzero(volume))).toEqual([
      [1, 1, 2],
      [3, 4, 5],
    ]);
    const inside = runWithoutPauses(insideOf(volume));
    expect(inside.reduce((a, b) => a + b, 0)).toBe(3 * 4 * 4);
    expect(runWithoutPauses(boxOfNonzero({ data: new Float32Array(8), shape: [2, 2, 2] }))).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
  });

  it('alone is seen and scaled by; the rest is background', () => {
    const intensity = { kind: 'z-score', within: 'nonzero' };
    const preprocessing = preprocessingSchema.parse({ crop: 'nonzero', multiple: 1, intensity });
    const { slices, geometry } = prepareVolume(volume, preprocessing);
    expect(geometry.shape).toEqual([3, 4, 4]);
    const mean = slices.reduce((a, b) => a + b, 0) / slices.length;
    expect(mean).toBeCloseTo(0, 5);
    const restored = new RestoredLabels([geometry], { channels: 1, background: 'half' });
    restored.add(new Float32Array(48).fill(1), 0);
    expect(restored.labels.filter((label) => label === 1).length).toBe(48);
    expect(restored.labels[(1 * 6 + 1) * 8 + 2]).toBe(1);
  });

  it('keeps the zeros about it at zero', () => {
    const intensity = { kind: 'z-score', within: 'nonzero' };
    const { slices } = prepareVolume(volume, preprocessingSchema.parse({ multiple: 1, intensity }));
    expect(slices[0]).toBe(0);
    expect(slices[(2 * 6 + 2) * 8 + 3]).toBeLessThan(-1); // enclosed
  });
});

describe('cubic splines', () => {
  const evaluate = (values: number[], outputs: number) => {
    const { first, count, weights, widest } = splineTaps(outputs, values.length);
    return Array.from({ length: outputs }, (_, o) => {
      let sum = 0;
      for (let i = 0; i < count[o]; i++) sum += weights[o * widest + i] * values[first[o] + i];
      return sum;
    });
  };

  it('go through the pixels, keep constants, and follow cubics away from the edges', () => {
    expect(evaluate(Array(40).fill(3), 57).every((value) => Math.abs(value - 3) < 1e-6)).toBe(true);
    const cubic = (u: number) => 1 + u / 7 - (u / 11) ** 2 + (u / 23) ** 3;
    const got = evaluate(
      Array.from({ length: 61 }, (_, i) => cubic(i)),
      90,
    );
    for (let o = 25; o < 65; o++) expect(got[o]).toBeCloseTo(cubic(((o + 0.5) * 61) / 90 - 0.5), 4);
    // Three times as many pixels: every third lies on one of the given.
    const values = Array.from({ length: 9 }, (_, i) => (i * 37) % 11);
    expect(evaluate(values, 27).filter((_, i) => i % 3 === 1)).toEqual(values.map((one) => expect.closeTo(one, 5)));
  });
});
