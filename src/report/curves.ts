/** A section of line charts, side by side as far as there is room. */
import { lineChart } from './chart.js';
import type { ReportCurve } from './data.js';
import type { Section } from './document.js';
import { html, type Markup } from './markup.js';

/** Absent where there is no curve. */
export const curvesSection = (curves: readonly ReportCurve[], title = 'Curves'): Section => ({
  id: 'curves',
  title,
  content: curves.length > 0 && curveGrid(curves),
});

const curveGrid = (curves: readonly ReportCurve[]): Markup =>
  html`<div class="curves">${curves.map(
    (curve) => html`<figure><h3>${curve.title}</h3>${lineChart(curve)}</figure>
`,
  )}</div>`;
