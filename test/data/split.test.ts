import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Case, describeSplit, foldCases, type SplitOptions, splitCases } from '../../src/data/index.js';

const cases = (count: number, site = 'a'): Case[] =>
  Array.from({ length: count }, (_, i) => {
    const name = `patient${String(Math.floor(i / 2)).padStart(3, '0')}_visit${i % 2}`;
    return { site, name, image: `${site}/${name}` };
  });
const groupBy = '^(patient\\d+)_';
const thirds = { train: 0.7, validation: 0.15, test: 0.15 };
const sizes = (split: Record<string, Case[]>) => Object.values(split).map((part) => part.length);
const ids = (items: Case[]) => items.map(({ site, name }) => `${site}/${name}`);

describe('foldCases', () => {
  it('tests every patient in one fold, and adapts there to all others, whatever the order of files', () => {
    const patients = (items: Case[]) => new Set(items.map(({ name }) => name.slice(0, 10)));
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 30 }), fc.nat(), fc.integer({ min: 2, max: 5 }), (count, seed, folds) => {
        const all = cases(count);
        const made = foldCases(all, { folds, seed, groupBy });
        expect(made).toHaveLength(folds);
        expect(ids(made.flatMap(({ test }) => test)).sort()).toEqual(ids(all).sort());
        const counts = made.map(({ test }) => patients(test).size);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        for (const { adapt, test } of made) {
          expect(ids([...adapt, ...test]).sort()).toEqual(ids(all).sort());
          for (const patient of patients(test)) expect(patients(adapt)).not.toContain(patient);
        }
        expect(foldCases(all.toReversed(), { folds, seed, groupBy })).toEqual(made);
      }),
    );
  });

  it('needs a patient for every fold', () => {
    expect(() => foldCases(cases(4), { folds: 3, seed: 0, groupBy })).toThrow(
      /needs at least 3 groups; there are 2 in 4/,
    );
  });
});

describe('splitCases', () => {
  it('rounds fractions by largest remainder', () => {
    expect(sizes(splitCases(cases(20), { parts: thirds, seed: 0 }))).toEqual([14, 3, 3]);
    expect(sizes(splitCases(cases(4), { parts: thirds, seed: 0 }))).toEqual([2, 1, 1]);
    expect(sizes(splitCases(cases(3), { parts: thirds, seed: 0 }))).toEqual([1, 1, 1]);
    expect(sizes(splitCases(cases(4), { parts: { train: 1, test: 0 }, seed: 0 }))).toEqual([4, 0]);
  });

  it('takes whole numbers as they are and leaves the rest out', () => {
    expect(sizes(splitCases(cases(20), { parts: { train: 5, test: 3 }, seed: 0 }))).toEqual([5, 3]);
  });

  it('divides the cases, never a patient, whatever the order of files', () => {
    const share = fc.integer({ min: 0, max: 10 });
    fc.assert(
      fc.property(fc.integer({ min: 6, max: 40 }), fc.nat(), fc.tuple(share, share, share), (count, seed, weights) => {
        const sum = weights[0] + weights[1] + weights[2];
        fc.pre(sum > 0);
        const parts = { train: weights[0] / sum, validation: weights[1] / sum, test: weights[2] / sum };
        const all = [...cases(count), ...cases(count, 'b')];
        const split = splitCases(all, { parts, seed, groupBy });
        const given = Object.values(split).flat();
        expect(ids(given).sort()).toEqual(ids(all).sort());
        const partOf = new Map<string, string>();
        for (const [part, items] of Object.entries(split))
          for (const { name } of items) {
            const patient = name.slice(0, 10);
            expect(partOf.get(patient) ?? part).toBe(part);
            partOf.set(patient, part);
          }
        for (const part of ['train', 'validation', 'test'] as const)
          expect(split[part].length > 0).toBe(parts[part] > 0);
        expect(splitCases(all.toReversed(), { parts, seed, groupBy })).toEqual(split);
      }),
    );
  });

  it('depends on the seed', () => {
    const splits = [0, 1, 2, 3].map((seed) => ids(splitCases(cases(20), { parts: thirds, seed }).test).join());
    expect(new Set(splits).size).toBeGreaterThan(1);
  });

  it('takes the whole match where the expression captures nothing', () => {
    const { train } = splitCases(cases(8), { parts: { train: 1, test: 3 }, seed: 0, groupBy: 'patient\\d+' });
    expect(train).toHaveLength(2);
  });

  it.each([
    ['SPLIT_SHARES', { parts: { train: 0.7, test: 0.2 } }, '{"train":0.7,"test":0.2}'],
    ['SPLIT_SHARES', { parts: { train: 2, test: -1 } }, '"test":-1'],
    ['SPLIT_SHARES', { parts: { train: 0 } }, '{"train":0}'],
    ['SPLIT_TOO_FEW', { parts: { train: 10, test: 3 } }, 'needs at least 13 groups; there are 4 in 4 cases'],
    ['SPLIT_TOO_FEW', { parts: thirds, groupBy }, 'at least 3 groups; there are 2 in 4 cases'],
    ['SPLIT_PATTERN_INVALID', { parts: thirds, groupBy: '(patient' }, 'Unterminated group'],
    ['SPLIT_PATTERN_UNMATCHED', { parts: thirds, groupBy: '^(case\\d+)' }, '"patient000_visit0" of the site "a"'],
  ] satisfies [string, Omit<SplitOptions, 'seed'>, string][])(
    '%s for %j',
    (code, options: Omit<SplitOptions, 'seed'>, message) => {
      const split = () => splitCases(cases(4), { seed: 0, ...options });
      expect(split).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
    },
  );
});

describe('splitCases of a data set with parts of its own', () => {
  const of = (split: Case['split'], count: number, offset = 0) =>
    cases(40)
      .slice(offset, offset + count)
      .map((one): Case => ({ ...one, label: one.image, ...(split && { split }) }));
  const own = [...of('train', 9), ...of('test', 3, 20)];

  it('keeps the test cases and divides the training cases by the shares of the other parts', () => {
    const parts = { train: 0.6, validation: 0.2, test: 0.2 };
    const split = splitCases(own, { parts, seed: 0 });
    expect(sizes(split)).toEqual([7, 2, 3]);
    expect(ids(split.test)).toEqual(ids(of('test', 3, 20)));
    expect(sizes(splitCases(own, { parts: { train: 6, validation: 1, test: 9 }, seed: 0 }))).toEqual([6, 1, 3]);
    expect(sizes(splitCases(own, { parts: { adapt: 0.5, test: 0.5 }, seed: 0 }))).toEqual([9, 3]);
  });

  it('keeps validation cases, too; without such a part they train', () => {
    const all = [...own, ...of('validation', 2, 30)];
    const split = splitCases(all, { parts: thirds, seed: 0 });
    expect(sizes(split)).toEqual([9, 2, 3]);
    expect(split.validation.every((one) => one.split === 'validation')).toBe(true);
    expect(sizes(splitCases(all, { parts: { adapt: 1, test: 1 }, seed: 0 }))).toEqual([1, 3]);
    expect(sizes(splitCases(all, { parts: { adapt: 0.5, test: 0.5 }, seed: 0 }))).toEqual([11, 3]);
  });

  it('never trains on test cases, also where nothing is to be tested', () => {
    const { train, validation } = splitCases(own, { parts: { train: 0.8, validation: 0.2 }, seed: 0 });
    expect([...train, ...validation].filter((one) => one.split === 'test')).toEqual([]);
    expect(train.length + validation.length).toBe(9);
  });

  it('draws the parts where only unlabelled cases are held back for tests', () => {
    const held = of('test', 4, 20).map(({ label: _, ...one }) => one);
    const split = splitCases([...of(undefined, 10), ...held], { parts: thirds, seed: 0 });
    expect(sizes(split).reduce((a, b) => a + b)).toBe(10);
  });

  it('keeps the patients whole that the data set names, whatever the names of cases say', () => {
    const twins = of(undefined, 8).map((one, i): Case => ({ ...one, patient: `twin${i % 4}` }));
    const { train, test } = splitCases(twins, { parts: { train: 0.5, test: 0.5 }, seed: 3, groupBy });
    const patients = (part: Case[]) => new Set(part.map(({ patient }) => patient));
    expect([...patients(train)].filter((one) => patients(test).has(one))).toEqual([]);
    expect(sizes({ train, test })).toEqual([4, 4]);
  });

  it.each([
    ['SPLIT_PARTLY', [...own, ...of(undefined, 1, 30)]],
    ['SPLIT_NO_TEST', of('train', 9)],
    ['SPLIT_TOO_FEW', [...of('train', 1), ...of('test', 3, 20)]],
  ])('%s', (code, all) => {
    expect(() => splitCases(all, { parts: thirds, seed: 0 })).toThrow(expect.objectContaining({ code }));
  });
});

it('describes a split in a line a part', () => {
  const split = { train: cases(3), test: cases(1, 'b') };
  expect(describeSplit(split).split('\n')).toEqual([
    'train  3 cases: a/patient000_visit0, a/patient000_visit1, a/patient001_visit0',
    'test   1 case: b/patient000_visit0',
  ]);
});
