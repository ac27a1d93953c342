/** The report of an adaptation experiment. */
import { lineChart } from './chart.js';
import { comparisonSection } from './comparison.js';
import type { ReportData } from './data.js';
import { notesSection, provenanceSection, renderPage, type Section } from './document.js';
import { convention, imagePanels } from './images.js';
import { html } from './markup.js';
import { overviewChart } from './overview.js';
import { summary } from './summary.js';
import { scoreTables } from './table.js';

/**
 * The whole document, the same for the same data.
 *
 * @throws RangeError when an image does not have width * height pixels
 */
export const renderReport = (data: ReportData): string => renderPage({ ...data, sections: sectionsOf(data) });

const sectionsOf = (data: ReportData): Section[] => [
  { id: 'summary', title: 'Summary', content: summary(data) },
  notesSection(data.notes),
  { id: 'scores', title: 'Scores', content: scoreTables(data) },
  {
    id: 'overview',
    title: 'Overview',
    content: html`<figure>${overviewChart(data)}
<figcaption class="key">Mean surface Dice; whiskers: one standard deviation over seeds; dotted line: the source model. The
axis covers the values, not all of 0 to 1.</figcaption></figure>`,
  },
  ...(data.comparison ? [comparisonSection(data.comparison)] : []),
  {
    id: 'images',
    title: 'Images',
    content:
      data.cases.length > 0 &&
      html`<p>For each target the best, the median and the worst case by the adapted model’s surface Dice; of each plane the
slice with most of the reference. ${convention}</p>
${imagePanels(data)}`,
  },
  {
    id: 'curves',
    title: 'Curves',
    content:
      data.curves.length > 0 &&
      html`<div class="curves">${data.curves.map(
        (curve) => html`<figure><h3>${curve.title}</h3>${lineChart(curve)}</figure>
`,
      )}</div>`,
  },
  provenanceSection(data.provenance),
];
