/** What is done to masks after prediction. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { postprocess, postprocessingSchema, type Triple } from '../../src/data/index.js';

const run = (labels: Uint8Array, shape: Triple, options: object): Uint8Array => {
  const copy = labels.slice();
  runWithoutPauses(postprocess(copy, shape, postprocessingSchema.parse(options)));
  return copy;
};
/** Rows of one slice as text. */
const slice = (...rows: string[]) => Uint8Array.from(rows.join('').replaceAll(' ', '0'), Number);

describe('postprocessing', () => {
  it('keeps the largest part of each class, joined by corners too', () => {
    const labels = slice('1  22', ' 1   ', '    1', '2   1');
    expect(run(labels, [1, 4, 5], { largest: true })).toEqual(slice('1  22', ' 1   ', '     ', '     '));
    // Of the same rows as slices: nothing is joined across two of them.
    expect(run(slice('1 1', '   ', '  1', '  1'), [4, 1, 3], { largest: true })).toEqual(
      slice('   ', '   ', '  1', '  1'),
    );
  });

  it('fills what one class encloses', () => {
    const labels = slice('11111', '1 1 1', '11122', '1 12 ', '1 122');
    expect(run(labels, [1, 5, 5], { fill: true })).toEqual(labels);
    const box = new Uint8Array(3 * 5 * 5).fill(1);
    box.set([0, 0, 2], 25 + 11);
    const filled = box.slice();
    filled.set([1, 1, 2], 25 + 11);
    expect(run(box, [3, 5, 5], { fill: true })).toEqual(filled);
  });

  it('adds nothing outside the classes that are there, and does nothing when it is done again', () => {
    const shape = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 1, max: 5 }))) as fc.Arbitrary<Triple>;
    const masks = shape.chain((shape) => {
      const length = shape[0] * shape[1] * shape[2];
      const voxels = fc.array(fc.constantFrom(0, 0, 1, 1, 1, 2), { minLength: length, maxLength: length });
      return voxels.map((labels) => ({ shape, labels: Uint8Array.from(labels) }));
    });
    fc.assert(
      fc.property(masks, fc.boolean(), fc.boolean(), ({ shape, labels }, largest, fill) => {
        const once = run(labels, shape, { largest, fill });
        expect(run(once, shape, { largest, fill })).toEqual(once);
        expect(new Set(once.filter((label) => label > 0))).toEqual(new Set(labels.filter((label) => label > 0)));
        if (!largest) expect(once.every((label, i) => labels[i] === 0 || label === labels[i])).toBe(true);
        if (!fill) expect(once.every((label, i) => label === 0 || label === labels[i])).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
