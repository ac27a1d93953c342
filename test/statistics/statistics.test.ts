/** Descriptions, intervals, Holm's correction and the normal distribution against published numbers and against SciPy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import {
  bootstrapInterval,
  describeValues,
  holm,
  meanOf,
  median,
  normalCdf,
  normalQuantile,
  normalTail,
  quantile,
  standardDeviation,
} from '../../src/metrics/index.js';

describe('the normal distribution', () => {
  // scipy.stats.norm.sf
  it.each([
    [0.5, 0.3085375387259869],
    [1, 0.15865525393145707],
    [3, 0.0013498980316300933],
    [3.0001, 0.0013494549132607172],
    [5, 2.866515718791933e-7],
    [8, 6.22096057427174e-16],
    [20, 2.7536241186061556e-89],
    [37, 5.7255712225239266e-300],
  ])('has its tail above %f', (z, tail) => {
    expect(normalTail(z) / tail).toBeCloseTo(1, 11);
    expect(normalCdf(-z)).toBe(normalTail(z));
    expect(normalCdf(z)).toBeCloseTo(1 - tail, 15);
  });

  // scipy.stats.norm.ppf
  it.each([
    [1e-10, -6.361340902404056],
    [0.001, -3.090232306167813],
    [0.3, -0.5244005127080409],
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0, Number.NEGATIVE_INFINITY],
    [1, Number.POSITIVE_INFINITY],
  ])('has its quantile %f', (share, z) => {
    expect(normalQuantile(share)).toBeCloseTo(z, 10);
  });
});

// Dice of twelve cases, one of them a failure; numpy.mean, std(ddof=1), median, quantile.
const scores = [0.91, 0.93, 0.88, 0.95, 0.52, 0.9, 0.94, 0.71, 0.92, 0.89, 0.93, 0.96];

describe('a description', () => {
  it('has the moments and quantiles that NumPy finds', () => {
    const found = describeValues(scores);
    expect(found.mean).toBeCloseTo(0.87, 12);
    expect(found.sd).toBeCloseTo(0.12799147698897057, 12);
    expect(found.median).toBeCloseTo(0.915, 12);
    expect(found.quartiles[0]).toBeCloseTo(0.8875, 12);
    expect(found.quartiles[1]).toBeCloseTo(0.9325, 12);
    expect([standardDeviation(scores), median(scores)]).toEqual([found.sd, found.median]);
  });

  it('counts distances without a value apart, and as the worst in the median', () => {
    const infinite = Number.POSITIVE_INFINITY;
    expect(describeValues([1, infinite, 2, 3])).toMatchObject({ count: 4, infinite: 1, mean: 2, median: 2.5 });
    expect(median([1, infinite, infinite])).toBe(infinite);
    expect(quantile([1, 2, infinite, infinite], 0.75)).toBe(infinite);
  });

  it('claims no spread and no interval of one value', () => {
    expect(describeValues([0.5])).toMatchObject({ mean: 0.5, sd: Number.NaN, interval: undefined, median: 0.5 });
    expect(describeValues([])).toMatchObject({ count: 0, mean: Number.NaN, median: Number.NaN });
  });
});

describe('a bootstrap interval', () => {
  // scipy.stats.bootstrap(method='BCa', n_resamples=200000)
  it('is the one that SciPy finds, but for chance', () => {
    const [low, high] = bootstrapInterval(scores, { resamples: 40_000 })!;
    expect(Math.abs(low - 0.75917)).toBeLessThan(0.006);
    expect(Math.abs(high - 0.91917)).toBeLessThan(0.002);
  });

  it("is that of Efron & Tibshirani's spatial test data (1993, table 14.2): 115.8 to 259.6", () => {
    const errors = [
      48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41,
    ];
    const variance = (sample: readonly number[]) => {
      const centre = meanOf(sample);
      return meanOf(sample.map((value) => (value - centre) ** 2));
    };
    expect(variance(errors)).toBeCloseTo(171.534, 3);
    const [low, high] = bootstrapInterval(errors, { statistic: variance, level: 0.9, resamples: 20_000 })!;
    expect(Math.abs(low - 115.8)).toBeLessThan(3);
    expect(Math.abs(high - 259.6)).toBeLessThan(5);
  });

  it('is the same for the same seed and another for another', () => {
    expect(bootstrapInterval(scores, { seed: 3 })).toEqual(bootstrapInterval(scores, { seed: 3 }));
    expect(bootstrapInterval(scores, { seed: 3 })).not.toEqual(bootstrapInterval(scores, { seed: 4 }));
  });

  it('holds the true mean about as often as it says', () => {
    // Skewed as scores are: one minus the square of a normal draw; the true mean is 0.9.
    const covered = Array.from({ length: 300 }, (_, trial) => {
      const stream = random(11, trial);
      const sample = Array.from({ length: 40 }, () => 1 - 0.1 * stream.normal() ** 2);
      const [low, high] = bootstrapInterval(sample, { resamples: 600, seed: trial })!;
      return low <= 0.9 && 0.9 <= high;
    }).filter(Boolean).length;
    expect(covered / 300).toBeGreaterThan(0.89);
    expect(covered / 300).toBeLessThan(0.98);
  });

  it('lies between the least and the greatest value, whatever they are', () => {
    const samples = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 6, maxLength: 12 });
    fc.assert(
      fc.property(samples, (values) => {
        const [low, high] = bootstrapInterval(values, { resamples: 50 })!;
        const slack = 1e-9 * Math.max(...values.map(Math.abs));
        expect(low).toBeLessThanOrEqual(high);
        expect(low).toBeGreaterThanOrEqual(Math.min(...values) - slack);
        expect(high).toBeLessThanOrEqual(Math.max(...values) + slack);
      }),
    );
  });

  it('is a point where all values are equal', () => {
    expect(bootstrapInterval([0.5, 0.5, 0.5, 0.5, 0.5, 0.5])).toEqual([0.5, 0.5]);
  });

  it('is not claimed of fewer than six values', () => {
    expect(bootstrapInterval(scores.slice(0, 5))).toBeUndefined();
    expect(bootstrapInterval(scores.slice(0, 6))).toBeDefined();
  });
});

describe("Holm's correction", () => {
  // p.adjust(p, 'holm') of R, statsmodels' multipletests(p, method='holm').
  it.each([
    [
      [0.01, 0.02, 0.03, 0.04, 0.05],
      [0.05, 0.08, 0.09, 0.09, 0.09],
    ],
    [
      [0.01, 0.04, 0.03, 0.005],
      [0.03, 0.06, 0.06, 0.02],
    ],
    [
      [0.6, 0.9],
      [1, 1],
    ],
    [[0.02], [0.02]],
    [[], []],
  ])('of %j is %j', (given, expected) => {
    const adjusted = holm(given);
    expect(adjusted).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) expect(adjusted[i]).toBeCloseTo(value, 12);
  });

  it('keeps the order, lowers nothing, and is never above Bonferroni', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), (given) => {
        const adjusted = holm(given);
        for (const [i, p] of given.entries()) {
          expect(adjusted[i]).toBeGreaterThanOrEqual(p);
          expect(adjusted[i]).toBeLessThanOrEqual(Math.min(1, given.length * p));
          for (const [j, other] of given.entries()) if (p < other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]);
        }
      }),
    );
  });
});
