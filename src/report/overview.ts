/**
 * The overview: for each target one line a method with its mean surface Dice and a whisker of one standard deviation.
 *
 * Dots, not bars: a bar would have to begin at 0, where differences that matter cannot be seen.
 */

import { meanOf } from '../metrics/index.js';
import { axisOver } from './axis.js';
import { colourClass, markers } from './chart.js';
import { type ReportScores, sourceMethod } from './data.js';
import { shorten } from './format.js';
import { html, type Markup } from './markup.js';
import { deviation, meanAndDeviation, scoreOf } from './statistics.js';

const [width, left, right] = [880, 230, 860];
const [groupHeight, rowHeight, gap] = [26, 21, 12];

/** The chart of all scores by target and method. */
export function overviewChart(data: ReportScores): Markup {
  const bounds = data.scores.flatMap(({ surfaceDice }) => {
    const [centre, spread] = [meanOf(surfaceDice), deviation(surfaceDice) ?? 0];
    return [Math.max(0, centre - spread - 0.01), Math.min(1, centre + spread + 0.01)];
  });
  const axis = axisOver(bounds, { count: 6 });
  const at = (value: number) =>
    Math.round((left + Math.min(1, Math.max(0, axis.position(value))) * (right - left)) * 10) / 10;
  const blockHeight = groupHeight + data.methods.length * rowHeight + gap;
  const bottom = data.targets.length * blockHeight + 4;

  return html`<svg class="chart overview" viewBox="0 0 ${width} ${bottom + 52}" role="img" aria-label="Dot chart of the
 mean surface Dice by target and method; the same values are in the table of surface Dice.">
${axis.ticks.map(
  (tick) => html`<path class="grid" d="M${at(tick)} 4V${bottom}"/>
<text class="tick" x="${at(tick)}" y="${bottom + 18}" text-anchor="middle">${axis.label(tick)}</text>`,
)}
<path class="base" d="M${left} ${bottom}H${right}"/>
<text class="axis-label" x="${(left + right) / 2}" y="${bottom + 42}" text-anchor="middle">Surface Dice at ${
    data.toleranceMm
  } mm</text>
${data.targets.map((target, t) => {
  const blockTop = t * blockHeight;
  const source = scoreOf(data, target, sourceMethod);
  const from = source && meanOf(source.surfaceDice);
  return html`<text class="group" x="0" y="${blockTop + 20}">${shorten(target, 34)}</text>
${
  from !== undefined && Number.isFinite(from)
    ? html`<path class="reference" d="M${at(from)} ${blockTop + groupHeight}v${data.methods.length * rowHeight}"/>`
    : undefined
}
${data.methods.map((method, m) => {
  const y = blockTop + groupHeight + (m + 0.5) * rowHeight;
  const score = scoreOf(data, target, method.name);
  return html`<text class="row-label" x="14" y="${y + 4}">${shorten(method.label, 32)}</text>
${score && Number.isFinite(meanOf(score.surfaceDice)) ? row(score.surfaceDice, m, y) : undefined}`;
})}`;
})}</svg>`;

  function row(values: number[], method: number, y: number): Markup {
    const centre = meanOf(values);
    const spread = deviation(values) ?? 0;
    const [from, to] = [at(centre - spread), at(centre + spread)];
    return html`<g class="${colourClass(method)}"><title>${meanAndDeviation(values, 3)}</title>
${spread > 0 ? html`<path class="whisker" d="M${from} ${y}H${to}M${from} ${y - 4}v8M${to} ${y - 4}v8"/>` : undefined}
<path class="marker" transform="translate(${at(centre)} ${y})" d="${markers[method % markers.length]}"/></g>`;
  }
}
