/**
 * Line charts as SVG: round ticks, units in the axis labels, and names at the lines' ends, so that no legend is needed.
 * Lines differ in colour and in dashes.
 */
import { axisOver, logAxisOver } from './axis.js';
import type { ReportCurve } from './data.js';
import { bytes, fixed, listed, shorten } from './format.js';
import { drawFrame } from './frame.js';
import { html, type Markup } from './markup.js';

/** The class of the n-th series or method: one of seven colours, defined in the page's style for light and dark. */
export const colourClass = (index: number): string => `c${index % 7}`;

// Each drawn around (0, 0), about as heavy as the others: methods differ by shape as well as by colour.
export const markers = [
  'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z',
  'M-4.5 -4.5h9v9h-9z',
  'M0 -6.5L6.5 0L0 6.5L-6.5 0z',
  'M0 -6L6 5H-6z',
  'M0 6L6 -5H-6z',
  'M-2 -6h4v4h4v4h-4v4h-4v-4h-4v-4h4z',
  'M-6 -3h12v6h-12z',
];

const dashes = ['none', '7 4', '2 4', '9 3 2 3', '4 3', '12 4', '1 3'];
const width = 560;
const [top, bottom] = [34, 252];
const labelHeight = 15;

/** The chart of one curve figure; several series share its axes. */
export function lineChart(curve: ReportCurve): Markup {
  const points = curve.series.flatMap((series) => series.points);
  const whole = points.every(([x]) => Number.isInteger(x));
  const horizontal = points.map((point) => point[0]);
  const x =
    curve.xScale === 'bytes'
      ? logAxisOver(horizontal, bytes)
      : axisOver(horizontal, { count: 6, tight: true, smallestStep: whole ? 1 : 0 });
  const y = axisOver(points.map((point) => point[1]));
  // About 7 units a character, for the numbers at the left and the names at the right.
  const left = 16 + 7 * Math.max(...y.ticks.map((tick) => y.label(tick).length));
  const longest = Math.max(0, ...curve.series.map((series) => series.name.length));
  const right = width - Math.min(200, 36 + 6.8 * longest);
  const at = (value: number) => Math.round((left + x.position(value) * (right - left)) * 10) / 10;
  const over = (value: number) => Math.round((bottom - y.position(value) * (bottom - top)) * 10) / 10;

  const ends = curve.series.map((series) => series.points.findLast(([, value]) => Number.isFinite(value)));
  const labelY = spread(ends.map((end) => (end ? over(end[1]) : bottom)));
  const described = curve.series.map(({ name }, i) => `${name} ends at ${ends[i] ? fixed(ends[i][1]) : 'no value'}`);
  return html`<svg class="chart" viewBox="0 0 ${width} 304" role="img" aria-label="Line chart of ${curve.yLabel} by ${
    curve.xLabel
  }: ${listed(described)}.">
${drawFrame({ x, y, at, over, left, right, bottom, xLabel: curve.xLabel, yLabel: curve.yLabel })}
${curve.series.map(({ name, points }, i) => {
  const end = ends[i];
  return html`<g class="${colourClass(i + 1)}"><path class="line" stroke-dasharray="${dashes[i % dashes.length]}" d="${linePath(
    points.map(([a, b]) => [at(a), over(b)]),
  )}"/>
${
  end &&
  html`<circle class="dot" cx="${at(end[0])}" cy="${over(end[1])}" r="3"/>
<path class="leader" d="M${at(end[0]) + 4} ${over(end[1])}L${right + 20} ${labelY[i]}"/>`
}
<text class="direct" x="${right + 24}" y="${labelY[i]! + 4}">${shorten(name, 24)}</text></g>
`;
})}</svg>`;
}

/** A path through the points; a new piece begins after each that is not finite. */
function linePath(points: [x: number, y: number][]): string {
  let pen = 'M';
  return points
    .map(([x, y]) => {
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        pen = 'M';
        return '';
      }
      const piece = `${pen}${x} ${y}`;
      pen = 'L';
      return piece;
    })
    .join('');
}

/** Heights of labels near the wanted ones, at least a label's height apart, and within the chart as far as they fit. */
function spread(wanted: number[]): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  const heights = [...wanted];
  order.forEach((i, rank) => {
    if (rank > 0) heights[i] = Math.max(heights[i]!, heights[order[rank - 1]!]! + labelHeight);
  });
  let limit = bottom;
  for (const i of order.reverse()) {
    heights[i] = Math.min(heights[i]!, limit);
    limit = heights[i]! - labelHeight;
  }
  return heights;
}
