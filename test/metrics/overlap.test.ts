import { describe, expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import { dice, volumeDifference } from '../../src/metrics/index.js';
import { boxMask, emptyMask } from './masks.js';

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('dice', () => {
  it('is twice the common voxels over all voxels', () => {
    expect(dice(bytes(1, 1, 1, 0, 0), bytes(0, 1, 1, 1, 1))).toBe(4 / 7);
  });
  it('takes any non-zero value as inside', () => {
    expect(dice(bytes(255, 2, 0), bytes(1, 4, 0))).toBe(1);
  });
  it('takes masks of any length from any place of a buffer', () => {
    const values = [9, 9, 1, 0, 200, 1, 1, 0, 128, 0, 3];
    for (let from = 0; from < 4; from++)
      for (let to = 5; to < values.length; to++) {
        const truth = bytes(...values).subarray(from, to);
        const prediction = truth.map((value) => (value > 1 ? 7 : 0));
        const [all, found] = [truth, prediction].map((mask) => mask.filter((value) => value !== 0).length);
        expect(dice(truth, prediction)).toBe((2 * found!) / (all! + found!));
      }
  });
  it('is 1 when both masks are empty and 0 when one is', () => {
    expect(dice(bytes(0, 0), bytes(0, 0))).toBe(1);
    expect(dice(bytes(0, 1), bytes(0, 0))).toBe(0);
    expect(dice(bytes(0, 0), bytes(0, 1))).toBe(0);
  });
  it('refuses masks of different sizes, naming both', () => {
    expect(() => dice(bytes(1, 0), bytes(1))).toThrow(GraftError);
    expect(() => dice(bytes(1, 0), bytes(1))).toThrow(/has 1 voxels, but 2 were expected/);
  });
});

describe('volumeDifference', () => {
  const truth = boxMask([10, 20, 30], [0, 0, 0], [10, 10, 10]); // 1000 voxels
  const prediction = boxMask([10, 20, 30], [0, 0, 0], [10, 10, 12]); // 1200 voxels

  it('is prediction minus truth in millilitres', () => {
    const { truthMl, predictionMl, differenceMl, relative } = volumeDifference(truth, prediction, [2, 1, 0.5]);
    expect(truthMl).toBeCloseTo(1, 12);
    expect(predictionMl).toBeCloseTo(1.2, 12);
    expect(differenceMl).toBeCloseTo(0.2, 12);
    expect(relative).toBeCloseTo(0.2, 12);
    expect(volumeDifference(prediction, truth, [2, 1, 0.5]).differenceMl).toBeCloseTo(-0.2, 12);
  });
  it('has a relative value also for empty masks', () => {
    const empty = emptyMask([10, 20, 30]);
    expect(volumeDifference(empty, empty, [1, 1, 1]).relative).toBe(0);
    expect(volumeDifference(empty, truth, [1, 1, 1]).relative).toBe(Number.POSITIVE_INFINITY);
    expect(volumeDifference(truth, empty, [1, 1, 1]).relative).toBe(-1);
  });
  it('refuses a spacing that is not three positive numbers', () => {
    expect(() => volumeDifference(truth, prediction, [1, 0, 1])).toThrow(/spacing is \[1, 0, 1\]/);
    expect(() => volumeDifference(truth, prediction, [1, Number.NaN, 1])).toThrow(GraftError);
  });
});
