/** What leaves a finished run for its trackers: scores, pictures, and the report without places on this machine. */
import {
  type Drawn,
  drawnSlice,
  type Headline,
  type Outlined,
  type PageData,
  type PanelGroup,
  type Provenance,
  renderPageFile,
} from '../report/index.js';
import type { Outcome } from '../tracking/index.js';

/** A report, as it is written and as it may be handed on. */
export interface StudyReport {
  headline: Headline;
  provenance: Provenance;
  groups: readonly PanelGroup[];
  /** Whose outlines the pictures have, from below to above. */
  outlined: readonly Outlined[];
  /** The page, with as much of the provenance and the pictures as may be handed on. */
  page(provenance: Provenance, groups: readonly PanelGroup[]): PageData;
}

/** Facts and settings that name places on this machine. */
const placed = new Set(['Data set', 'Foundation', 'data.root', 'model.checkpoint']);

/** What may leave. */
const withoutPlaces = ({ facts, settings, files }: Provenance): Provenance => ({
  facts: facts.filter(([label]) => !placed.has(label)),
  settings: settings.filter(([key]) => !placed.has(key)),
  files,
});

export const outcomeOf = (
  scores: Outcome['scores'],
  { provenance, groups, outlined, page }: StudyReport,
  classes: readonly string[],
): Outcome => ({
  scores,
  pictures: picturesOf(groups, { outlined, classes }),
  report: (withImages) => renderPageFile(page(withoutPlaces(provenance), withImages ? groups : [])).text,
});

/** Means over seeds, named by place: `dice lju-t2`. */
export const meansOf = (measure: string, byPlace: Record<string, { mean: number }>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(byPlace)
      .map(([place, { mean }]): [string, number] => [`${measure} ${place}`, mean])
      .filter(([, mean]) => Number.isFinite(mean)),
  );

/** The slices by site, named by rank and plane. */
const picturesOf = (groups: readonly PanelGroup[], drawn: Drawn): Outcome['pictures'] =>
  groups.flatMap(({ title, panels }) =>
    panels.flatMap(({ which, slices }) =>
      slices.map((slice) => ({
        series: ['pictures', title],
        name: `${which}/${slice.plane}`,
        picture: drawnSlice(slice, drawn),
      })),
    ),
  );
