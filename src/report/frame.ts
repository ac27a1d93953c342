/** What all charts are drawn in: axis labels, grid lines and ticks. */
import type { Axis } from './axis.js';
import { html, type Markup } from './markup.js';

export interface Frame {
  x: Axis;
  y: Axis;
  /** Places of values in the drawing. */
  at(value: number): number;
  over(value: number): number;
  /** Of the plotted area. */
  left: number;
  right: number;
  bottom: number;
  xLabel: string;
  yLabel: string;
}

export const drawFrame = ({ x, y, at, over, left, right, bottom, xLabel, yLabel }: Frame): Markup =>
  html`<text class="axis-label" x="0" y="14">${yLabel}</text>
${y.ticks.map(
  (tick) => html`<path class="grid" d="M${left} ${over(tick)}H${right}"/>
<text class="tick" x="${left - 8}" y="${over(tick) + 4}" text-anchor="end">${y.label(tick)}</text>`,
)}
<path class="base" d="M${left} ${bottom}H${right}"/>
${x.ticks.map(
  (tick) => html`<path class="base" d="M${at(tick)} ${bottom}v5"/>
<text class="tick" x="${at(tick)}" y="${bottom + 20}" text-anchor="middle">${x.label(tick)}</text>`,
)}
<text class="axis-label" x="${(left + right) / 2}" y="${bottom + 44}" text-anchor="middle">${xLabel}</text>`;
