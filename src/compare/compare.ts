/**
 * Methods side by side: means, medians and intervals of each, and each against a baseline on the patients that both
 * scored, by Wilcoxon's signed-rank test with Holm's correction over all methods that are tested in a group. An oracle, which
 * has seen the targets' labels, is not tested: it only says how far a method could come.
 *
 * Left out: tests between every two methods, which nobody's question asks for and which cost each of them power.
 */
import { didYouMean } from '../core/index.js';
import {
  bootstrapInterval,
  type Description,
  describeValues,
  extentTitles,
  holm,
  type Interval,
  meanOf,
  type ScoredExtent,
  wilcoxon,
} from '../metrics/index.js';
import { type ComparisonEntry, caseOf, commonCases, meanWhereMeasured, type Selection, valuesByUnit } from './entry.js';
import { compareError } from './errors.js';
import { gapClosed } from './gap.js';
import { type MeasureName, type NamedValue, worstOf } from './measures.js';
import { notesOn } from './notes.js';

/** A method against the baseline. */
export interface Against {
  /** Patients that both scored. */
  pairs: number;
  /** Mean of the paired differences, method minus baseline; those that are infinite are left out. */
  difference: number;
  /** 95 % bootstrap interval of the mean difference. */
  interval: Interval | undefined;
  /** Two-sided. */
  p: number;
  /** After Holm. */
  adjusted: number;
}

/** A method in a group: `Description` is of its patients. */
export interface Row extends Description {
  entry: string;
  /** Different cases; more than `count` where patients have several. */
  cases: number;
  /** Null for the baseline and an oracle, and where no patient was scored by both. */
  against: Against | null;
  oracle: boolean;
  /** Mean signed boundary bias in mm, positive where masks end outside the reference; NaN where it was not measured. */
  boundaryBias: number;
  /** Mean surface Dice on the slices that the network sees; NaN where it was not measured. */
  surfaceDiceOnSlices: number;
  /** The share of the gap between source and oracle, by the compared measure; absent where there is none to speak of. */
  gapClosed?: number;
}

export interface Group {
  kind: 'all' | 'site' | 'class';
  name: string;
  /** In the order of the entries. */
  rows: Row[];
}

/** Methods side by side by one measure. */
export interface Comparison {
  measure: MeasureName;
  toleranceMm: number;
  scored: ScoredExtent;
  baseline: string;
  /** What is counted: patients, where the data set or the recipe says whose a case is. */
  unit: 'patient' | 'case';
  /** Everything together first; then each site and each class where there are several. */
  groups: Group[];
  /** Of each method, the worst first; means over seeds and classes. */
  worst: { entry: string; cases: NamedValue[] }[];
  /** What a reader has to know: patients that only one has, too few pairs. */
  notes: string[];
}

/**
 * Compares methods on the patients that they have in common: means, medians and intervals of each, and each against a
 * baseline by Wilcoxon's signed-rank test with Holm's correction.
 *
 * @param entries at least one; names are different
 * @param options.measure such as `dice` or `hausdorff95`
 * @param options.baseline an entry's name; default: the first
 * @throws GraftError COMPARE_CLASSES, COMPARE_TOLERANCE, COMPARE_EXTENT, COMPARE_UNKNOWN
 */
export function compareMethods(
  entries: readonly ComparisonEntry[],
  { measure, baseline: wanted = entries[0].name }: { measure: MeasureName; baseline?: string },
): Comparison {
  const baseline = entryOf(entries, wanted);
  checkComparable(entries, measure);
  const sites = [...new Set(entries.flatMap(({ scores }) => scores.map(({ site }) => site)))];
  const { classes, toleranceMm } = entries[0];
  const group = (kind: Group['kind'], name: string, selection: Selection): Group => ({
    kind,
    name,
    rows: rowsOf(entries, baseline, measure, selection),
  });
  return {
    ...{ measure, toleranceMm, scored: entries[0].scored ?? 'all' },
    baseline: baseline.name,
    unit: entries.some(({ scores }) => scores.some(({ patient }) => patient !== undefined)) ? 'patient' : 'case',
    groups: [
      group('all', 'all', {}),
      ...(sites.length > 1 ? sites.map((site) => group('site', site, { site })) : []),
      ...(classes.length > 1 ? classes.map((name) => group('class', name, { class: name })) : []),
    ],
    worst: entries.map(({ name, scores }) => ({
      entry: name,
      cases: worstOf(valuesByUnit(scores, measure, {}, caseOf), measure),
    })),
    notes: notesOn(entries, baseline),
  };
}

/** The entry of that name. @throws GraftError COMPARE_UNKNOWN */
export function entryOf(entries: readonly ComparisonEntry[], name: string): ComparisonEntry {
  const names = entries.map((entry) => entry.name);
  const found = entries[names.indexOf(name)];
  if (!found)
    throw compareError('COMPARE_UNKNOWN', { name, suggestion: didYouMean(name, names), names: names.join(', ') });
  return found;
}

function checkComparable(entries: readonly ComparisonEntry[], measure: MeasureName): void {
  const [first] = entries;
  for (const { name, classes, toleranceMm, scored = 'all' } of entries) {
    if (classes.join() !== first.classes.join())
      throw compareError('COMPARE_CLASSES', {
        ...{ other: name, first: first.name },
        found: classes.join(', '),
        expected: first.classes.join(', '),
      });
    if (measure === 'surfaceDice' && toleranceMm !== first.toleranceMm)
      throw compareError('COMPARE_TOLERANCE', {
        ...{ other: name, first: first.name, found: toleranceMm, expected: first.toleranceMm },
      });
    const { scored: expected = 'all' } = first;
    if (scored !== expected)
      throw compareError('COMPARE_EXTENT', {
        ...{ other: name, first: first.name, found: extentTitles[scored], expected: extentTitles[expected] },
      });
  }
}

function rowsOf(
  entries: readonly ComparisonEntry[],
  baseline: ComparisonEntry,
  measure: MeasureName,
  selection: Selection,
): Row[] {
  const rows = entries.map((entry): Row => {
    const values = valuesByUnit(entry.scores, measure, selection);
    const cases = valuesByUnit(entry.scores, measure, selection, caseOf).size;
    const oracle = entry.role === 'oracle';
    const against = entry === baseline || oracle ? null : testAgainst(entry, baseline, measure, selection);
    const closed = gapClosed(entry, entries, measure, selection);
    return {
      ...{ entry: entry.name, cases, ...describeValues([...values.values()]), against, oracle },
      boundaryBias: meanWhereMeasured(entry.scores, 'boundaryBias', selection),
      surfaceDiceOnSlices: meanWhereMeasured(entry.scores, 'surfaceDiceOnSlices', selection),
      ...(closed !== undefined && { gapClosed: closed }),
    };
  });
  const tested = rows.flatMap(({ against }) => against ?? []);
  const adjusted = holm(tested.map(({ p }) => p));
  for (const [i, against] of tested.entries()) against.adjusted = adjusted[i];
  return rows;
}

function testAgainst(
  entry: ComparisonEntry,
  baseline: ComparisonEntry,
  measure: MeasureName,
  selection: Selection,
): Against | null {
  // Of a patient, too, only the cases that both scored.
  const { same } = commonCases(entry, baseline);
  const [values, base] = [entry, baseline].map(({ scores }) =>
    valuesByUnit(
      scores.filter((score) => same.has(caseOf(score))),
      measure,
      selection,
    ),
  );
  if (values.size === 0) return null;
  const mine = [...values.values()];
  const theirs = [...values.keys()].map((unit) => base.get(unit)!);
  const { p } = wilcoxon(mine, theirs);
  const differences = mine.map((value, i) => value - theirs[i]).filter(Number.isFinite);
  return {
    pairs: mine.length,
    difference: meanOf(differences),
    interval: bootstrapInterval(differences),
    ...{ p, adjusted: p },
  };
}
