/** What leaves a finished run for its trackers: scores, pictures, and the report without places on this machine. */
import {
  type Drawn,
  drawnSlice,
  type PanelGroup,
  type Provenance,
  type ReportData,
  renderReport,
} from '../report/index.js';
import type { Outcome } from '../tracking/index.js';
import type { Summary } from './summary.js';

/** Facts and settings that name places on this machine. */
const placed = new Set(['Data set', 'Foundation', 'data.root', 'model.checkpoint']);

/** What may leave. */
export const withoutPlaces = ({ facts, settings, files }: Provenance): Provenance => ({
  facts: facts.filter(([label]) => !placed.has(label)),
  settings: settings.filter(([key]) => !placed.has(key)),
  files,
});

/** An adaptation's. */
export function outcomeOf({ methods }: Summary, report: ReportData): Outcome {
  const { classes, images } = report;
  return {
    scores: methods.map(({ name, surfaceDice, dice }) => ({
      series: ['test', name],
      values: { ...meansOf('surface dice', surfaceDice), ...meansOf('dice', dice) },
    })),
    pictures: picturesOf(images.groups, { outlined: ['truth', 'source', 'adapted'], classes }),
    report: (withImages) =>
      renderReport({
        ...report,
        provenance: withoutPlaces(report.provenance),
        images: withImages ? images : { ...images, groups: [] },
      }),
  };
}

/** Means over seeds, named by place: `dice lju-t2`. */
export const meansOf = (measure: string, byPlace: Record<string, { mean: number }>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(byPlace)
      .map(([place, { mean }]): [string, number] => [`${measure} ${place}`, mean])
      .filter(([, mean]) => Number.isFinite(mean)),
  );

/** The slices by site, named by rank and plane. */
export const picturesOf = (groups: readonly PanelGroup[], drawn: Drawn): Outcome['pictures'] =>
  groups.flatMap(({ title, panels }) =>
    panels.flatMap(({ which, slices }) =>
      slices.map((slice) => ({
        series: ['pictures', title],
        name: `${which}/${slice.plane}`,
        picture: drawnSlice(slice, drawn),
      })),
    ),
  );
