/**
 * One point for each thing compared, such as the Dice of a training plan against the bytes that it moved: values with a
 * whisker of one standard deviation, names beside the points, bytes on a logarithmic axis.
 */

import { meanOf } from '../metrics/index.js';
import { axisOver, logAxisOver } from './axis.js';
import { colourClass, markers } from './chart.js';
import { bytes, fixed, shorten } from './format.js';
import { drawFrame } from './frame.js';
import { html, type Markup } from './markup.js';
import { deviation } from './statistics.js';

export interface ScatterPoint {
  name: string;
  bytes: number;
  /** Over seeds. */
  values: number[];
}

const [width, left, right, top, bottom] = [560, 52, 430, 34, 252];
const lineHeight = 15;

export function bytesChart(points: readonly ScatterPoint[], xLabel: string, yLabel: string): Markup {
  const x = logAxisOver(
    points.map((point) => point.bytes),
    bytes,
  );
  const y = axisOver(
    points.flatMap(({ values }) => {
      const [centre, spread] = [meanOf(values), deviation(values) ?? 0];
      return [Math.max(0, centre - spread), Math.min(1, centre + spread)];
    }),
  );
  const at = (value: number) => Math.round(10 * (left + x.position(value) * (right - left))) / 10;
  const over = (value: number) => Math.round(10 * (bottom - y.position(value) * (bottom - top))) / 10;
  const placed = points.map(({ name, bytes: moved, values }, i) => ({
    ...{ i, name, moved, values, x: at(moved), y: over(meanOf(values)), text: shorten(name, 22) },
    spread: deviation(values) ?? 0,
  }));
  const heights = labelHeights(placed);
  const described = points.map(
    ({ name, bytes: moved, values }) => `${name} ${fixed(meanOf(values))} with ${bytes(moved)}`,
  );
  return html`<svg class="chart bytes" viewBox="0 0 ${width} 304" role="img" aria-label="Chart of ${yLabel} by ${xLabel}: ${described.join(
    ', ',
  )}.">
${drawFrame({ x, y, at, over, left, right, bottom, xLabel, yLabel })}
${placed.map((point) => {
  const centre = meanOf(point.values);
  const [from, to] = [over(Math.max(0, centre - point.spread)), over(Math.min(1, centre + point.spread))];
  const height = heights[point.i];
  return html`<g class="${colourClass(point.i + 1)}">${
    point.spread > 0
      ? html`<path class="whisker" d="M${point.x} ${from}V${to}M${point.x - 4} ${from}h8M${point.x - 4} ${to}h8"/>`
      : undefined
  }
${Math.abs(height - point.y) > 2 ? html`<path class="leader" d="M${point.x + 6} ${point.y}L${point.x + 13} ${height}"/>` : undefined}
<path class="marker" transform="translate(${point.x} ${point.y})" d="${markers[point.i % markers.length]}"/>
<text class="direct" x="${point.x + 15}" y="${height + 4}">${point.text}</text></g>
`;
})}</svg>`;
}

/** Names at the heights nearest to their points where they hide neither points nor other names. */
function labelHeights(points: readonly { i: number; x: number; y: number; text: string }[]): number[] {
  const heights: number[] = [];
  const taken = points.map(({ x, y }) => ({ from: x - 7, to: x + 7, y }));
  for (const { i, x, y, text } of [...points].sort((a, b) => a.y - b.y)) {
    const [from, to] = [x + 10, x + 18 + 6.8 * text.length];
    const free = (height: number) =>
      height <= bottom - 6 &&
      height >= top &&
      taken.every((other) => other.from > to || other.to < from || Math.abs(other.y - height) >= lineHeight);
    const offsets = Array.from(
      { length: 2 * points.length + 1 },
      (_, n) => (n % 2 ? 1 : -1) * Math.ceil(n / 2) * lineHeight,
    );
    const middle = Math.min(y, bottom - 6);
    heights[i] = middle + (offsets.find((offset) => free(middle + offset)) ?? 0);
    taken.push({ from, to, y: heights[i] });
  }
  return heights;
}
