/** Windows of slices, and the pool that fine-tuning draws from. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import {
  asImages,
  type CaseSlices,
  takeWindows,
  type WindowConfig,
  WindowPool,
  windowSchema,
  windowStarts,
} from '../../src/data/index.js';
import { scope, tensor } from '../../src/torch/index.js';

const [h, w] = [2, 3];
/** A case whose slices hold their own number, in images and labels alike. */
function numbered(from: number, n: number): CaseSlices {
  const values = Float32Array.from({ length: n * h * w }, (_, i) => from + Math.floor(i / (h * w)));
  return {
    case: { site: 's', name: `from${from}`, image: '' },
    images: tensor(values, [n, 1, h, w]).keep(),
    geometry: undefined!,
    spacing: [1, 1, 1],
    labels: Uint8Array.from(values),
  };
}
const config = (options: Partial<WindowConfig> = {}) => windowSchema.parse(options);

/** The slice numbers of every window of an epoch. */
function draw(pool: WindowPool, batch: number, depth: number, seed: number): number[][] {
  return [...pool.epoch(batch, random(seed, 'epoch'))].flatMap(({ take }) =>
    scope(() => {
      const { images, labels } = take();
      expect(images.shape.slice(1)).toEqual([depth, h, w]);
      expect(labels.dtype).toBe('int64');
      const values = images.toArray();
      expect(Array.from(labels.toArray<'int64'>(), Number)).toEqual([...values]);
      return Array.from({ length: images.shape[0] }, (_, b) =>
        Array.from({ length: depth }, (_, d) => values[(b * depth + d) * h * w]),
      );
    }),
  );
}

describe('windows of several sizes', () => {
  it('fill batches of one size each, every window once, in the same order for the same seed', () => {
    const sized = (first: number, count: number, side: number): CaseSlices => {
      const values = Array.from({ length: count }, (_, i) => Array(side * side).fill(first + i)).flat();
      const one = numbered(first, count);
      return { ...one, images: tensor(values, [count, 1, side, side]).keep(), labels: Uint8Array.from(values) };
    };
    using pool = new WindowPool([sized(0, 3, 2), sized(10, 4, 4), sized(20, 2, 2)], config({ slices: 1 }));
    expect([pool.size, pool.slices, pool.batches(2)]).toEqual([9, 9, 5]);
    const drawn = (seed: number) =>
      [...pool.epoch(2, random(seed, 'epoch'))].map(({ take }) =>
        scope(() => {
          const { images, labels } = take();
          expect(labels.shape).toEqual(images.shape);
          const [b, , side] = images.shape;
          const values = images.toArray();
          return { side, slices: Array.from({ length: b }, (_, i) => values[i * side * side]) };
        }),
      );
    const batches = drawn(1);
    expect(batches).toHaveLength(5);
    for (const { side, slices } of batches) for (const one of slices) expect(side).toBe(one >= 10 && one < 20 ? 4 : 2);
    expect(batches.flatMap(({ slices }) => slices).sort((a, b) => a - b)).toEqual([0, 1, 2, 10, 11, 12, 13, 20, 21]);
    expect(drawn(1)).toEqual(batches);
  });
});

describe('windows', () => {
  it('centre on every slice in turn, or follow one another, within their volume', () => {
    using pool = new WindowPool([numbered(0, 4), numbered(10, 2)], config({ slices: 3 }));
    expect(draw(pool, 4, 3, 1).sort((a, b) => a[1] - b[1])).toEqual([
      [0, 0, 1],
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 3],
      [10, 10, 11],
      [10, 11, 11],
    ]);
    using apart = new WindowPool([numbered(0, 4), numbered(10, 2)], config({ slices: 3 }), { overlap: false });
    expect(draw(apart, 4, 3, 1).sort((a, b) => a[1] - b[1])).toEqual([
      [0, 1, 2],
      [3, 3, 3],
      [10, 11, 11],
    ]);
    expect([pool.size, apart.size, pool.slices, apart.slices]).toEqual([6, 3, 6, 6]);
  });

  it('hold every slice, whatever their length', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        (n, slices, overlap) => {
          const starts = windowStarts(n, config({ slices }), overlap);
          const held = starts.flatMap((start) => Array.from({ length: slices }, (_, i) => start + i));
          for (let slice = 0; slice < n; slice++)
            expect(held.filter((one) => one === slice).length).toBeGreaterThanOrEqual(1);
          if (overlap) expect(starts.length).toBe(n);
          else expect(new Set(held).size).toBe(held.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('come in the order of the random stream', () => {
    using pool = new WindowPool([numbered(0, 9)], config());
    expect(draw(pool, 2, 5, 1)).toEqual(draw(pool, 2, 5, 1));
    expect(draw(pool, 2, 5, 1)).not.toEqual(draw(pool, 2, 5, 2));
    expect([...pool.epoch(2, random(1))]).toHaveLength(pool.batches(2));
  });

  it('are stretched to [0, 1] where asked, a constant one to 0', () => {
    const images = tensor([0, 2, 4, 4, 7, 7, 7, 7], [4, 1, 1, 2]);
    const windows = (scaling: WindowConfig['scaling']) =>
      scope(() => [...takeWindows({ images }, [0, 2], config({ slices: 2, scaling })).toArray()]);
    expect(windows('volume')).toEqual([0, 2, 4, 4, 7, 7, 7, 7]);
    expect(windows('window').map((value) => Number(value.toFixed(6)))).toEqual([0, 0.5, 1, 1, 0, 0, 0, 0]);
  });

  it('become colour slices, one after another', () => {
    scope(() => {
      const colour = asImages(tensor([1, 2, 3, 4], [2, 2, 1, 1]), 3);
      expect(colour.shape).toEqual([4, 3, 1, 1]);
      expect([...colour.toArray()]).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    });
  });
});
