/** A comparison as tables of texts, which the terminal, Markdown, LaTeX and HTML then set each in its own way. */

import { extentTitles } from '../metrics/index.js';
import type { Comparison, Group, Row } from './compare.js';
import { measures, titleOf } from './measures.js';

export interface Cell {
  text: string;
  /** Of its column. */
  best?: boolean;
}

export interface ComparisonTable {
  /** Another for every measure. */
  id: string;
  caption: string;
  header: string[];
  rows: Cell[][];
  /** What the marks and columns mean. */
  key: string;
}

/**
 * A comparison as tables of text: statistics over everything; where there are several sites or classes, each of them; where
 * it was measured, on which side of the reference masks end; the worst cases.
 */
export function comparisonTables(comparison: Comparison): ComparisonTable[] {
  const { measure, toleranceMm, groups } = comparison;
  const title = titleOf(measure, toleranceMm);
  const text = formatOf(comparison);
  return [
    statisticsTable(comparison, title, text),
    ...(groups.length > 1 ? [groupsTable(comparison, title, text)] : []),
    ...(groups[0].rows.some(({ boundaryBias }) => Number.isFinite(boundaryBias))
      ? [boundaryTable(comparison, title)]
      : []),
    worstTable(comparison, title, text),
  ];
}

type Format = ReturnType<typeof formatOf>;

function formatOf({ measure }: Comparison) {
  const { digits } = measures[measure];
  const number = (value: number) => {
    if (Number.isNaN(value)) return '–';
    if (!Number.isFinite(value)) return '∞';
    return value.toFixed(digits).replace('-', '−');
  };
  return {
    number,
    spread: ({ mean, sd }: Row) => (Number.isNaN(sd) ? number(mean) : `${number(mean)} ± ${number(sd)}`),
    interval: (ends: [number, number] | undefined) => (ends ? `${number(ends[0])} to ${number(ends[1])}` : '–'),
    signed: (value: number) => (value > 0 ? `+${number(value)}` : number(value)),
  };
}

/** As printed: below a thousandth only that it is. */
export const chance = (p: number): string => (p < 0.001 ? '<0.001' : p.toFixed(3));

/** Whether a row's mean is the group's best, as printed; none is where all are alike. */
function bestOf({ rows }: Group, { measure }: Comparison, { number }: Format): (row: Row) => boolean {
  // Who was scored on fewer cases may have been spared the hard ones.
  // An oracle is no competitor.
  const methods = rows.filter(({ oracle }) => !oracle);
  const most = Math.max(...methods.map(({ cases }) => cases));
  const means = methods
    .filter(({ cases }) => cases === most)
    .flatMap(({ mean }) => (Number.isFinite(mean) ? mean : []));
  const best = number(measures[measure].better === 'higher' ? Math.max(...means) : Math.min(...means));
  const several = new Set(means.map(number)).size > 1;
  return ({ mean, cases, oracle }) => several && !oracle && cases === most && number(mean) === best;
}

function statisticsTable(comparison: Comparison, title: string, format: Format): ComparisonTable {
  const { measure, baseline, groups, unit, scored } = comparison;
  const { number, spread, interval, signed } = format;
  const [all] = groups;
  const best = bestOf(all, comparison, format);
  const patients = unit === 'patient';
  const slices =
    measure === 'surfaceDice' && all.rows.some(({ surfaceDiceOnSlices }) => Number.isFinite(surfaceDiceOnSlices));
  return {
    id: `statistics-${measure}`,
    caption: `Statistics: ${title}`,
    header: [
      'method',
      patients ? 'patients' : 'cases',
      'mean ± sd',
      ...(slices ? ['mean on slices'] : []),
      '95 % interval',
      'median',
      'difference (95 % interval)',
      'p (Holm)',
    ],
    rows: all.rows.map((row) => {
      const { entry, count, cases, infinite, against } = row;
      return [
        { text: entry },
        { text: `${count}${count < cases ? ` (${cases} cases)` : ''}${infinite > 0 ? `, ${infinite} without` : ''}` },
        { text: spread(row), best: best(row) },
        ...(slices ? [{ text: number(row.surfaceDiceOnSlices) }] : []),
        { text: interval(row.interval) },
        { text: number(row.median) },
        ...(against
          ? [
              signed(against.difference) + (against.interval ? ` (${interval(against.interval)})` : ''),
              `${chance(against.p)} (${chance(against.adjusted)})`,
            ]
          : ['–', '–']
        ).map((text) => ({ text })),
      ];
    }),
    key:
      `Over ${patients ? 'patients; several scans of one' : 'cases; several classes'} and seeds are averaged first. ` +
      `Intervals: bootstrap (BCa) of the mean. Difference: from ${baseline}, paired; p: Wilcoxon's signed-rank test, ` +
      'two-sided; in brackets corrected after Holm for all methods of the table.' +
      ` Scored: ${extentTitles[scored]}.` +
      (slices ? ' On slices: on those that the network sees, instead of the grid of the scans.' : '') +
      (all.rows.some(({ oracle }) => oracle) ? ' An oracle has seen the targets’ labels and is not tested.' : '') +
      (all.rows.some(({ infinite }) => infinite > 0)
        ? ' Without: one of the masks is empty and there is no distance; means leave these out, medians and tests take them for the worst.'
        : ''),
  };
}

function groupsTable(comparison: Comparison, title: string, format: Format): ComparisonTable {
  const { measure, groups, baseline } = comparison;
  const best = groups.map((group) => bestOf(group, comparison, format));
  const significant = ({ against }: Row) => against !== null && against.adjusted < 0.05;
  return {
    id: `groups-${measure}`,
    caption: `By site and class: ${title}`,
    header: ['method', ...groups.map(({ name }) => name)],
    rows: groups[0].rows.map(({ entry }, i) => [
      { text: entry },
      ...groups.map(({ rows }, g) => ({
        text: `${format.spread(rows[i])}${significant(rows[i]) ? ' *' : ''}`,
        best: best[g](rows[i]),
      })),
    ]),
    key: `Mean ± standard deviation. *: differs from ${baseline}, p < 0.05 after Holm's correction within the column.`,
  };
}

function boundaryTable({ measure, groups }: Comparison, title: string): ComparisonTable {
  const places = groups.filter(({ kind }) => kind !== 'class');
  const closed = places.some(({ rows }) => rows.some(({ gapClosed }) => gapClosed !== undefined));
  return {
    id: `boundary-${measure}`,
    caption: closed ? `Boundary bias, and gap closed: ${title}` : 'Boundary bias',
    header: ['method', ...places.flatMap(({ name }) => [`${name}, mm`, ...(closed ? [`${name}, closed`] : [])])],
    rows: groups[0].rows.map(({ entry }, i) => [
      { text: entry },
      ...places.flatMap(({ rows }) => [
        { text: signedMm(rows[i].boundaryBias) },
        ...(closed ? [{ text: percent(rows[i].gapClosed) }] : []),
      ]),
    ]),
    key: boundaryKey + (closed ? ` ${gapKey}` : ''),
  };
}

/** What tables of the bias and of the gap say below themselves. */
export const boundaryKey =
  'Mean signed distance of the predicted surface from the reference, in mm: + where masks end outside it, − inside.';
export const gapKey =
  'Closed: share of the gap between the source model and the oracle; – where the gap is no larger than noise (twice its standard error over patients).';

/** `+0.31`; a dash where nothing was measured. */
export const signedMm = (value: number): string =>
  Number.isFinite(value) ? (value > 0 ? '+' : '') + value.toFixed(2).replace('-', '−') : '–';

/** `62 %`; a dash where there is no share. */
export const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${Math.round(100 * share)} %`.replace('-', '−');

function worstTable({ measure, worst }: Comparison, title: string, { number }: Format): ComparisonTable {
  const most = Math.max(...worst.map(({ cases }) => cases.length));
  return {
    id: `worst-${measure}`,
    caption: `Worst cases: ${title}`,
    header: ['method', ...Array.from({ length: most }, (_, i) => (i === 0 ? 'worst' : `${i + 1}.`))],
    rows: worst.map(({ entry, cases }) => [
      { text: entry },
      ...Array.from({ length: most }, (_, i) => ({
        text: cases[i] ? `${cases[i].name} ${number(cases[i].value)}` : '–',
      })),
    ]),
    key: 'Means over classes and seeds.',
  };
}
