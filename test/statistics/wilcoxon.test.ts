/** Wilcoxon's test against published examples, against SciPy, and against counting by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilcoxon } from '../../src/metrics/index.js';
import { errorOf } from '../graft-error.js';

const zerosOf = (values: readonly number[]) => values.map(() => 0);

describe('published examples', () => {
  // Hollander & Wolfe (1973), p. 29, depression scale of nine patients: the example of R's `wilcox.test`, V = 40, p = 0.01953.
  const first = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
  const second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
  it.each([
    ['greater', 0.01953125],
    ['two-sided', 0.0390625],
    ['less', 0.986328125],
  ] as const)('depression, %s', (alternative, p) => {
    const test = wilcoxon(first, second, { alternative });
    expect(test).toMatchObject({ positive: 40, negative: 5, count: 9, exact: true });
    expect(test.p).toBeCloseTo(p, 12);
  });

  // Darwin's maize, Wilcoxon (1945): the example of SciPy's documentation.
  const maize = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75];
  it.each([
    ['two-sided', 0.041259765625],
    ['greater', 0.0206298828125],
  ] as const)('heights of maize, %s', (alternative, p) => {
    const test = wilcoxon(maize, zerosOf(maize), { alternative });
    expect(test).toMatchObject({ positive: 96, negative: 24, exact: true });
    expect(test.p).toBeCloseTo(p, 12);
  });

  it('aggressiveness of twins, with a zero and ties (Conover, 1999): T+ = 41.5 of eleven pairs', () => {
    const older = [86, 71, 77, 68, 91, 72, 77, 91, 70, 71, 88, 87];
    const younger = [88, 77, 76, 64, 96, 72, 65, 90, 65, 80, 81, 72];
    expect(wilcoxon(older, younger)).toMatchObject({ positive: 41.5, negative: 24.5, count: 11 });
  });
});

describe('ties and zeros', () => {
  const differences = [0, 0, 1, -2, 3, 3, -3, 5, 6, 0, 7, 7, 8, -1];
  // All 2^11 choices of signs counted with NumPy, the ranks being SciPy's.
  it.each([
    ['wilcox', 56.5, 9.5, 0.0361328125],
    ['pratt', 80.5, 18.5, 0.052734375],
  ] as const)('of a small sample are counted exactly, %s', (zeros, positive, negative, p) => {
    const test = wilcoxon(differences, zerosOf(differences), { zeros });
    expect(test).toMatchObject({ positive, negative, count: 11, exact: true });
    expect(test.p).toBeCloseTo(p, 12);
  });

  // scipy.stats.wilcoxon(d, zero_method=…, alternative=…, method='asymptotic'), SciPy 1.17.
  const many = Array.from({ length: 70 }, (_, i) => (((i * 7) % 23) - 9) / 10);
  it.each([
    ['wilcox', 'two-sided', 0.031997552782176905],
    ['wilcox', 'greater', 0.015998776391088453],
    ['pratt', 'two-sided', 0.03524145971387189],
    ['pratt', 'greater', 0.017620729856935944],
  ] as const)('of a large sample change the variance of the normal approximation, %s, %s', (zeros, alternative, p) => {
    const test = wilcoxon(many, zerosOf(many), { zeros, alternative });
    expect(test.exact).toBe(false);
    expect(test.p).toBeCloseTo(p, 12);
  });

  it('are seen through the rounding of binary fractions', () => {
    // 0.3 - 0.2 and 0.2 - 0.1 differ in their last bit, as do 0.1 + 0.2 and 0.3.
    expect(wilcoxon([0.3, 0.2, 0.1 + 0.2], [0.2, 0.1, 0.3])).toMatchObject({ positive: 3, negative: 0, count: 2 });
  });
});

it('is exact up to fifty differences, as SciPy is', () => {
  const values = Array.from({ length: 50 }, (_, i) => ((i * 37) % 101) - 40 + 0.5 + i / 1000);
  const test = wilcoxon(values, zerosOf(values));
  expect(test).toMatchObject({ negative: 396, exact: true });
  expect(test.p).toBeCloseTo(0.019067043399514816, 12);
});

it('counts what counting by hand counts', () => {
  const samples = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(samples, fc.constantFrom('wilcox' as const, 'pratt' as const), (values, zeros) => {
      const { positive, count, p } = wilcoxon(values, zerosOf(values), { zeros });
      const ranked = values.filter((value) => zeros === 'pratt' || value !== 0).map(Math.abs);
      const ranks = ranked
        .map((value) => [
          value,
          ranked.filter((other) => other < value).length + (ranked.filter((other) => other === value).length + 1) / 2,
        ])
        .flatMap(([value, rank]) => (value === 0 ? [] : [rank]));
      const sums = Array.from({ length: 2 ** count }, (_, signs) =>
        ranks.reduce((sum, rank, i) => sum + ((signs >> i) & 1 ? rank : 0), 0),
      );
      const share = (of: (sum: number) => boolean) => sums.filter(of).length / sums.length;
      const tails = [share((sum) => sum >= positive), share((sum) => sum <= positive)];
      expect(p).toBeCloseTo(Math.min(1, 2 * Math.min(...tails)), 12);
    }),
  );
});

describe('the edges', () => {
  it('finds nothing where nothing differs', () => {
    expect(wilcoxon([0.5, 0.6], [0.5, 0.6])).toMatchObject({ count: 0, p: 1 });
    expect(wilcoxon([], [])).toMatchObject({ count: 0, p: 1 });
  });

  it('takes a distance that is undefined for the worst there is', () => {
    const infinite = Number.POSITIVE_INFINITY;
    expect(wilcoxon([infinite, infinite, 1], [3, infinite, 2])).toMatchObject({ positive: 2, negative: 1, count: 2 });
  });

  it('turns about with its arguments', () => {
    const pairs = fc.array(fc.tuple(fc.float({ noNaN: true }), fc.float({ noNaN: true })), { maxLength: 60 });
    fc.assert(
      fc.property(pairs, (both) => {
        const [x, y] = [both.map(([a]) => a), both.map(([, b]) => b)];
        const [there, back] = [wilcoxon(x, y), wilcoxon(y, x)];
        expect([back.positive, back.negative, back.p]).toEqual([there.negative, there.positive, there.p]);
        expect(there.p).toBeGreaterThan(0);
      }),
    );
  });

  it.each([
    [[1, 2], [1]],
    [[1], [Number.NaN]],
  ])('names samples that are no pairs', (x, y) => {
    expect(errorOf(() => wilcoxon(x, y)).code).toBe('SAMPLES_UNPAIRED');
  });
});
