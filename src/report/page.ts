/** The report of an adaptation experiment. */
import { comparisonSection } from './comparison.js';
import { curvesSection } from './curves.js';
import type { ReportData } from './data.js';
import { notesSection, renderPage, type Section, summarySection } from './document.js';
import { imagesSection } from './images.js';
import { html } from './markup.js';
import { overviewChart } from './overview.js';
import { provenanceSection } from './provenance.js';
import { scoreTables } from './table.js';

/**
 * The whole document, the same for the same data.
 *
 * @throws RangeError when an image does not have width * height pixels
 */
export const renderReport = (data: ReportData): string => renderPage({ ...data, sections: sectionsOf(data) });

const sectionsOf = (data: ReportData): Section[] => [
  summarySection(data.headline),
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
  imagesSection(
    `For each target the best, the median and the worst case by the surface Dice of ${data.images.method}; of each plane the slice with most of the reference.`,
    { outlined: ['truth', 'source', 'adapted'], classes: data.classes },
    data.images.groups,
  ),
  curvesSection(data.curves),
  provenanceSection(data.provenance),
];
