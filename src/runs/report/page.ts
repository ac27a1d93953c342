/**
 * The report: one HTML file that needs nothing else, neither network nor script, and looks the same for ever.
 *
 * The content security policy forbids what the file does not need, so that no name in it could ever load or run anything.
 */
import { lineChart } from './chart.js';
import type { ReportData } from './data.js';
import { imagePanels } from './images.js';
import { html, Markup } from './markup.js';
import { overviewChart } from './overview.js';
import { style } from './style.js';
import { summary } from './summary.js';
import { scoreTables } from './table.js';

interface Section {
  id: string;
  title: string;
  /** Absent: there is nothing to show. */
  content: Markup | false;
}

/**
 * The whole document, the same for the same data.
 *
 * @throws RangeError when an image does not have width * height pixels
 */
export function renderReport(data: ReportData): string {
  const sections = sectionsOf(data).filter((section) => section.content !== false);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${data.title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header><h1>${data.title}</h1>
<p class="description">${data.description}</p></header>
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="main">
${sections.map(
  ({ id, title, content }) => html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content || undefined}</section>
`,
)}</main>
<footer></footer>
</body>
</html>
`.text;
}

const sectionsOf = (data: ReportData): Section[] => [
  { id: 'summary', title: 'Summary', content: summary(data) },
  {
    id: 'limits',
    title: 'Limits',
    content: data.notes.length > 0 && html`<ul class="notes">${data.notes.map((note) => html`<li>${note}</li>`)}</ul>`,
  },
  { id: 'scores', title: 'Scores', content: scoreTables(data) },
  {
    id: 'overview',
    title: 'Overview',
    content: html`<figure>${overviewChart(data)}
<figcaption class="key">Mean surface Dice; whiskers: one standard deviation over seeds; dotted line: the source model. The
axis covers the values, not all of 0 to 1.</figcaption></figure>`,
  },
  {
    id: 'images',
    title: 'Images',
    content:
      data.cases.length > 0 &&
      html`<p>For each target the best, the median and the worst case by the adapted model’s surface Dice. Radiological
convention: image left is the patient’s right (R).</p>
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
  {
    id: 'provenance',
    title: 'Provenance',
    content: html`<table class="provenance"><caption>How these results were made</caption><tbody>${data.provenance.map(
      ([label, value]) => html`<tr><th scope="row">${label}</th><td>${value}</td></tr>`,
    )}</tbody></table>`,
  },
];
