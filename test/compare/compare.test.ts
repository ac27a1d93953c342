/** Methods side by side: what is averaged, paired, tested and said. */
import { describe, expect, it } from 'vitest';
import { type ComparisonEntry, compareMethods } from '../../src/compare/index.js';
import { holm, meanOf, wilcoxon } from '../../src/metrics/index.js';
import { errorOf } from '../graft-error.js';
import { cases, entry, scored } from './scored.js';

const low = [0.61, 0.72, 0.55, 0.8, 0.69, 0.74, 0.58, 0.66];
const high = [0.7, 0.75, 0.66, 0.82, 0.79, 0.75, 0.7, 0.65];
const all = (entries: ComparisonEntry[], options: Parameters<typeof compareMethods>[1] = { measure: 'dice' }) =>
  compareMethods(entries, options).groups[0].rows;

describe('a comparison', () => {
  it("gives every method's numbers, and tests it against the first on the same cases", () => {
    const [base, other] = all([entry('low', cases(low)), entry('high', cases(high))]);
    expect(base).toMatchObject({ entry: 'low', count: 8, cases: 8, mean: meanOf(low), against: null });
    expect(other.mean).toBeCloseTo(meanOf(high), 12);
    expect(other.against).toMatchObject({ pairs: 8, p: wilcoxon(high, low).p });
    expect(other.against!.difference).toBeCloseTo(meanOf(high) - meanOf(low), 12);
    const [from, to] = other.against!.interval!;
    expect(from).toBeLessThan(other.against!.difference);
    expect(to).toBeGreaterThan(other.against!.difference);
  });

  it('corrects for all methods that are tested in a group', () => {
    const middle = low.map((value, i) => value + (i % 2 ? 0.03 : -0.02));
    const rows = all([entry('low', cases(low)), entry('high', cases(high)), entry('middle', cases(middle))]);
    const tests = rows.slice(1).map(({ against }) => against!);
    expect(tests.map(({ adjusted }) => adjusted)).toEqual(holm(tests.map(({ p }) => p)));
    expect(tests[0].adjusted).toBe(2 * tests[0].p);
  });

  it('tests against another baseline where one is named, and suggests a name where there is none', () => {
    const entries = [entry('low', cases(low)), entry('high', cases(high))];
    const rows = all(entries, { measure: 'dice', baseline: 'high' });
    expect(rows.map(({ against }) => against?.pairs)).toEqual([8, undefined]);
    const error = errorOf(() => compareMethods(entries, { measure: 'dice', baseline: 'hig' }));
    expect(error.code).toBe('COMPARE_UNKNOWN');
    expect(error.message).toContain('high');
  });

  it('shows sites and classes of their own where there are several', () => {
    const classes = ['head', 'tail'];
    const scores = ['a', 'b'].flatMap((site, s) =>
      low.map((value, i) => scored(site, `c${i}`, value - 0.1 * s, classes)),
    );
    const { groups } = compareMethods([entry('one', scores, { classes })], { measure: 'dice' });
    expect(groups.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'all all',
      'site a',
      'site b',
      'class head',
      'class tail',
    ]);
    expect(groups.map(({ rows }) => rows[0].count)).toEqual([16, 8, 8, 16, 16]);
    expect(groups[1].rows[0].mean - groups[2].rows[0].mean).toBeCloseTo(0.1, 12);
  });

  it('lists the worst cases, by the measure', () => {
    const { worst } = compareMethods([entry('low', cases([...low, 0]))], { measure: 'hausdorff95' });
    expect(worst[0].cases[0]).toEqual({ name: 'a/case9', value: Number.POSITIVE_INFINITY });
    expect(worst[0].cases[1].name).toBe('a/case3');
    expect(worst[0].cases).toHaveLength(3);
  });
});

describe('what is not independent counts once', () => {
  it('seeds of one case are averaged', () => {
    const twice = entry('twice', [...cases([0.5, 0.7]), ...cases([0.7, 0.9])], { seeds: [1, 2] });
    const [row] = all([twice]);
    expect(row).toMatchObject({ count: 2, cases: 2 });
    expect(row.mean).toBeCloseTo(0.7, 12);
    expect(row.median).toBeCloseTo(0.7, 12);
  });

  it('scans of one patient are averaged, and only those that both methods scored are paired', () => {
    const scan = (name: string, dice: number) => ({ ...scored('a', name, dice), patient: 'p1' });
    const both = entry('both', [scan('scan1', 0.5), scan('scan2', 0.9), scored('a', 'other', 0.6)]);
    const one = entry('one', [scan('scan1', 0.6), scored('a', 'other', 0.6)]);
    const [first, second] = all([both, one]);
    expect(first).toMatchObject({ count: 2, cases: 3 });
    expect(first.mean).toBeCloseTo(0.65, 12);
    expect(second.against).toMatchObject({ pairs: 2 });
    expect(second.against!.difference).toBeCloseTo(0.05, 12); // of scan 1 by 0.1, of the other by 0
  });
});

describe('an oracle', () => {
  const oracle = entry('oracle', cases(low.map((value) => value + 0.2)), { role: 'oracle' });
  const between = (name: string, share: number) => entry(name, cases(low.map((value) => value + 0.2 * share)));
  const source = entry('source', cases(low), { role: 'source' });

  it('gives the share of the gap that a method closes, by patients, whichever way is better', () => {
    for (const measure of ['dice', 'hausdorff95'] as const) {
      const rows = all([source, between('some', 0.4), between('worse', -0.1), oracle], { measure });
      const found = rows.map(({ gapClosed }) => gapClosed && Math.round(1000 * gapClosed));
      expect(found).toEqual([undefined, 400, -100, undefined]);
    }
  });

  it('is no competitor: it is not tested, and costs others no power', () => {
    const rows = all([source, between('some', 0.4), oracle]);
    expect(rows[2].against).toBeNull();
    expect(rows[1].against!.adjusted).toBe(rows[1].against!.p);
    expect(compareMethods([source, oracle], { measure: 'dice' }).notes).toEqual([]);
  });

  it('says nothing where the gap is no larger than noise, of one patient, or in another run', () => {
    const closed = (...entries: ComparisonEntry[]) => all([source, between('some', 0.4), ...entries])[1].gapClosed;
    const noisy = low.map((value, i) => value + (i % 2 ? 0.2 : -0.15));
    expect(closed(entry('oracle', cases(noisy), { role: 'oracle' }))).toBeUndefined();
    expect(closed(entry('oracle', cases(low.map((value) => value - 0.1)), { role: 'oracle' }))).toBeUndefined();
    expect(closed(entry('oracle', cases([0.9]), { role: 'oracle' }))).toBeUndefined();
    expect(closed({ ...oracle, run: 'b' })).toBeUndefined();
    expect(closed(oracle)).toBeDefined();
  });
});

describe('the boundary bias', () => {
  it('keeps its sign in the mean, by site, and leaves out cases without a mask', () => {
    const scores = [scored('a', '1', 0.5), scored('a', '2', 0.9), scored('a', '3', 0), scored('b', '1', 0.5)];
    scores[1].classes.brain.boundaryBias = 2;
    const { groups } = compareMethods([entry('one', scores)], { measure: 'dice' });
    expect(groups.map(({ rows }) => rows[0].boundaryBias)).toEqual([1 / 3, 0.75, -0.5]);
    // Runs of earlier versions have none.
    const earlier = cases(low).map((score) => {
      const { boundaryBias: _, ...rest } = score.classes.brain;
      return { ...score, classes: { brain: rest } };
    });
    expect(all([entry('earlier', earlier)])[0].boundaryBias).toBeNaN();
  });
});

describe('undefined distances', () => {
  it('stay out of means, and count as the worst in medians and tests', () => {
    const none = entry('none', cases([0.8, 0, 0.6, 0.7]));
    const some = entry('some', cases([0.9, 0.5, 0.7, 0.8]));
    const [row, other] = all([none, some], { measure: 'hausdorff95' });
    expect(row).toMatchObject({ count: 4, infinite: 1 });
    expect(row.mean).toBeCloseTo(3, 12);
    expect(row.median).toBeCloseTo(3.5, 12);
    expect(other.against).toMatchObject({ pairs: 4, p: 0.125 });
    expect(other.against!.difference).toBeCloseTo(-1, 12);
  });

  it('and volume differences do not cancel out', () => {
    const more = scored('a', 'more', 0.9);
    more.classes.brain.volumeDifferenceMl = 1;
    const [row] = all([entry('one', [scored('a', 'less', 0.9), more])], { measure: 'volumeDifferenceMl' });
    expect(row.mean).toBeCloseTo(1, 12);
  });
});

describe('what a reader has to know', () => {
  const notes = (entries: ComparisonEntry[]) => compareMethods(entries, { measure: 'dice' }).notes;

  it('is nothing where all is as it should be', () => {
    expect(notes([entry('low', cases(low)), entry('high', cases(high))])).toEqual([]);
  });

  it('names cases that only one has', () => {
    const found = notes([entry('low', cases(low)), entry('high', cases([...high, 0.9]).slice(1))]);
    expect(found[0]).toMatch(/^high: not scored on a\/case1, which low was/);
    expect(found[1]).toMatch(/^high: scored on a\/case9, which low was not/);
  });

  it('does not pair cases that only have the same name', () => {
    const foreign = low.map((value, i) => scored('a', `case${i + 1}`, value, ['brain'], i < 2 ? 80 : 100));
    const [, row] = all([entry('low', cases(low)), entry('foreign', foreign)]);
    expect(row.against!.pairs).toBe(6);
    expect(notes([entry('low', cases(low)), entry('foreign', foreign)])[0]).toMatch(
      /^foreign: another reference label .* a\/case1, a\/case2: not paired/,
    );
  });

  it('tells other seeds, and how little a few pairs can show', () => {
    const few = notes([entry('low', cases([0.5, 0.6])), entry('high', cases([0.6, 0.7]), { seeds: [1, 2] })]);
    expect(few[0]).toMatch(/^high: means over seeds 1, 2, while those of low are over seed 1/);
    expect(few[1]).toBe('With 2 pairs no two-sided p can be below 0.5.');
  });

  it('compares nothing where no case is common', () => {
    const entries = [entry('here', cases(low)), entry('there', cases(low, 'b'))];
    expect(all(entries)[1].against).toBeNull();
    expect(notes(entries)).toHaveLength(2);
  });
});

describe('what cannot be compared', () => {
  it('is named: other classes, another tolerance', () => {
    const one = entry('one', cases(low));
    const classes = errorOf(() =>
      compareMethods([one, entry('two', cases(low), { classes: ['head'] })], { measure: 'dice' }),
    );
    expect([classes.code, classes.message]).toEqual(['COMPARE_CLASSES', 'two: segments head, but one segments brain.']);
    const other = entry('two', cases(low), { toleranceMm: 1 });
    expect(errorOf(() => compareMethods([one, other], { measure: 'surfaceDice' })).code).toBe('COMPARE_TOLERANCE');
    expect(compareMethods([one, other], { measure: 'dice' }).groups[0].rows).toHaveLength(2);
    const cut = entry('two', cases(low), { scored: 'labelled-extent' });
    const extent = errorOf(() => compareMethods([one, cut], { measure: 'dice' }));
    expect(extent.code).toBe('COMPARE_EXTENT');
    expect(extent.message).toBe(
      'Of two slices from the first to the last labelled one were scored, of one all slices.',
    );
  });
});
