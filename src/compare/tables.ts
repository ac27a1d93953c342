/** A comparison as tables of texts, which the terminal, Markdown, LaTeX and HTML then set each in its own way. */
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
 * A comparison as tables of text: statistics over everything; where there are several sites or classes, each of them; the
 * worst cases.
 */
export function comparisonTables(comparison: Comparison): ComparisonTable[] {
  const { measure, toleranceMm, groups } = comparison;
  const title = titleOf(measure, toleranceMm);
  const text = formatOf(comparison);
  return [
    statisticsTable(comparison, title, text),
    ...(groups.length > 1 ? [groupsTable(comparison, title, text)] : []),
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
  const most = Math.max(...rows.map(({ cases }) => cases));
  const means = rows.filter(({ cases }) => cases === most).flatMap(({ mean }) => (Number.isFinite(mean) ? mean : []));
  const best = number(measures[measure].better === 'higher' ? Math.max(...means) : Math.min(...means));
  const several = new Set(means.map(number)).size > 1;
  return ({ mean, cases }) => several && cases === most && number(mean) === best;
}

function statisticsTable(comparison: Comparison, title: string, format: Format): ComparisonTable {
  const { measure, baseline, groups, unit } = comparison;
  const { number, spread, interval, signed } = format;
  const [all] = groups;
  const best = bestOf(all, comparison, format);
  const patients = unit === 'patient';
  return {
    id: `statistics-${measure}`,
    caption: `Statistics: ${title}`,
    header: [
      'method',
      patients ? 'patients' : 'cases',
      'mean ± sd',
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
