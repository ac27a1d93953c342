/** Whole numbers that JavaScript's numbers cannot hold never change silently on their way in or out. */
import { describe, expect, it } from 'vitest';
import { manualSeed, operator, type Tensor, tensor } from '../../src/torch/index.js';

const beyond = 2 ** 53 + 2;

describe('whole numbers beyond 2^53 - 1', () => {
  it('are refused as integer arguments, and exact as BigInt', () => {
    const x = tensor([1, 2, 3]);
    expect(() => operator('aten::select.int')(x, 0, beyond)).toThrow(/beyond 2\^53 - 1 is not exact: give a BigInt/);
    expect(() => operator('aten::select.int')(x, 0, Number.POSITIVE_INFINITY)).toThrow(/not exact/);
    expect(() => operator('aten::select.int')(x, 0, Number.NaN)).toThrow(/whole number/);
    const big = tensor(new BigInt64Array([2n ** 60n + 1n]));
    expect((operator('aten::add.Scalar') as (x: Tensor, value: bigint) => Tensor)(big, 1n).toArray<'int64'>()).toEqual(
      new BigInt64Array([2n ** 60n + 2n]),
    );
  });

  it('are an error as the only element, and exact in an array', () => {
    const large = tensor(new BigInt64Array([2n ** 53n + 1n]));
    expect(() => large.item()).toThrow(/9007199254740993 is beyond 2\^53 - 1.*toArray/);
    expect(large.toArray<'int64'>()).toEqual(new BigInt64Array([2n ** 53n + 1n]));
    expect(tensor(new BigInt64Array([2n ** 53n - 1n])).item()).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('are refused as seeds and shapes, as negative ones are', () => {
    expect(() => manualSeed(beyond)).toThrow(/not exact/);
    expect(() => manualSeed(-1)).toThrow(/not negative/);
    expect(() => tensor([1], [-1])).toThrow(/no negative sizes/);
    expect(() => tensor([1], [2 ** 32, 2 ** 33], { copy: false })).toThrow(/too large|does not fit/);
  });
});
