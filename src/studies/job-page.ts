/** The page of a single training or adaptation: scores, what the selection saw, curves, pictures, provenance. */
import type { ComparisonTable } from '../compare/index.js';
import {
  curvesSection,
  type Drawn,
  dataTable,
  encodeGroups,
  type Headline,
  html,
  imagesSection,
  notesSection,
  type Panel,
  type Provenance,
  provenanceSection,
  type ReportCurve,
  renderPage,
  summarySection,
} from '../report/index.js';

/** A model's mean scores by class. */
export interface JobScore {
  label: string;
  classes: { name: string; dice: number; surfaceDice: number }[];
}

export interface JobPage {
  title: string;
  description: string;
  headline: Headline;
  /** Warnings and limits in plain words. */
  notes: readonly string[];
  /** Empty where nothing was scored. */
  scores: readonly JobScore[];
  toleranceMm: number;
  /** Rows of candidates and what was seen of them; absent where nothing chose among them. */
  looks?: { header: readonly string[]; rows: readonly (readonly string[])[] };
  curves: readonly ReportCurve[];
  drawn: Drawn;
  panels: readonly Panel[];
  provenance: Provenance;
}

/** The whole document as one HTML file. */
export const renderJob = (page: JobPage): string =>
  renderPage({
    ...{ title: page.title, description: page.description },
    sections: [
      summarySection(page.headline),
      notesSection(page.notes),
      { id: 'scores', title: 'Scores', content: page.scores.length > 0 && html`${dataTable(scoreTable(page))}` },
      {
        id: 'selection',
        title: 'Selection',
        content: page.looks !== undefined && html`${dataTable(lookTable(page.looks))}`,
      },
      curvesSection(page.curves),
      imagesSection({
        about: 'Of each plane the slice with most of the structures.',
        ...{ outlined: [...page.drawn.outlined], classes: [...page.drawn.classes] },
        groups: encodeGroups([{ title: page.description, panels: page.panels }]),
      }),
      provenanceSection(page.provenance),
    ],
  });

const asText = (cells: readonly string[]) => cells.map((text) => ({ text, best: false }));
const digits = (value: number) => (Number.isFinite(value) ? value.toFixed(3) : '–');

const scoreTable = ({ scores, toleranceMm }: JobPage): ComparisonTable => ({
  id: 'scores-by-class',
  caption: 'Mean over the cases, by class',
  header: ['Class', ...scores.flatMap(({ label }) => [`${label}: Dice`, `${label}: surface Dice`])],
  rows: scores[0].classes.map(({ name }, i) =>
    asText([name, ...scores.flatMap(({ classes }) => [digits(classes[i].dice), digits(classes[i].surfaceDice)])]),
  ),
  key: `Surface Dice at a tolerance of ${toleranceMm} mm. – not defined.`,
});

const lookTable = ({ header, rows }: NonNullable<JobPage['looks']>): ComparisonTable => ({
  id: 'looks',
  caption: 'Candidates, seen without labels',
  header: [...header],
  rows: rows.map(asText),
  key: 'Means over the cases. Agreement is the surface Dice of the early against the final head.',
});
