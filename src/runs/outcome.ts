/** What leaves a finished run for its trackers: scores, pictures, and the report without the names of cases. */
import type { Comparison } from './compare/index.js';
import { drawnSlice, type Outlined, type ReportData, type ReportSlice, renderReport } from './report/index.js';
import type { Summary } from './summary.js';
import type { Outcome } from './tracking/index.js';

/** Facts about a run that name places on this machine. */
const placed = new Set(['Data set', 'Foundation']);

/** The rows that may leave. */
export const withoutPlaces = <Row extends readonly [label: string, value: string]>(provenance: readonly Row[]): Row[] =>
  provenance.filter(([label]) => !placed.has(label));

/** An adaptation's. */
export function outcomeOf({ methods }: Summary, report: ReportData): Outcome {
  return {
    scores: methods.map(({ name, surfaceDice, dice }) => ({
      series: ['test', name],
      values: { ...meansOf('surface dice', surfaceDice), ...meansOf('dice', dice) },
    })),
    pictures: report.cases.flatMap(({ target, which, slices }) =>
      picturesOf(['pictures', target], which, slices, ['truth', 'source', 'adapted']),
    ),
    report: (images) =>
      renderReport({
        ...report,
        provenance: withoutPlaces(report.provenance),
        cases: images ? report.cases.map((one) => ({ ...one, name: '' })) : [],
        ...(report.comparison && { comparison: withoutNames(report.comparison) }),
      }),
  };
}

/** Numbers in place of the worst cases' names, the same for the same case; notes stay behind, since they name cases too. */
export function withoutNames(comparison: Comparison): Comparison {
  const names = [...new Set(comparison.worst.flatMap(({ cases }) => cases.map(({ name }) => name)))];
  return {
    ...comparison,
    worst: comparison.worst.map(({ entry, cases }) => ({
      entry,
      cases: cases.map((one) => ({ ...one, name: `case ${names.indexOf(one.name) + 1}` })),
    })),
    notes: [],
  };
}

/** Means over seeds, named by place: `dice lju-t2`. */
export const meansOf = (measure: string, byPlace: Record<string, { mean: number }>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(byPlace)
      .map(([place, { mean }]): [string, number] => [`${measure} ${place}`, mean])
      .filter(([, mean]) => Number.isFinite(mean)),
  );

/** A case's slices, named by rank and plane. */
export const picturesOf = (
  series: string[],
  which: string,
  slices: readonly ReportSlice[],
  drawn: readonly Outlined[],
): Outcome['pictures'] =>
  slices.map((slice) => ({ series, name: `${which}/${slice.plane}`, picture: drawnSlice(slice, drawn) }));
