/**
 * Comparisons in a page: the means with their intervals as a dot chart, and tables.
 *
 * Overlapping intervals are no test: pairs are compared on the same cases, which the table's differences and p-values do.
 */
// From its pure files: the folder's index also reads runs.
import type { Comparison } from '../compare/index.js';
import { type ComparisonTable, measures, titleOf } from '../compare/index.js';
import { axisOver } from './axis.js';
import { colourClass, markers } from './chart.js';
import { fixed, shorten } from './format.js';
import { html, type Markup } from './markup.js';

const [width, left, right] = [880, 260, 860];
const rowHeight = 24;

const headed = (title: string) => title.charAt(0).toUpperCase() + title.slice(1);

export function intervalChart({ measure, toleranceMm, groups, baseline }: Comparison): Markup {
  const { rows } = groups[0];
  const { digits } = measures[measure];
  const axis = axisOver(
    rows.flatMap(({ mean, interval }) => [mean, ...(interval ?? [])]),
    { count: 6 },
  );
  const at = (value: number) => Math.round((left + axis.position(value) * (right - left)) * 10) / 10;
  const bottom = rows.length * rowHeight + 8;
  const from = rows.find(({ entry }) => entry === baseline)!.mean;
  return html`<svg class="chart overview" viewBox="0 0 ${width} ${bottom + 52}" role="img" aria-label="Dot chart of means
 with intervals; the same values are in the table of statistics.">
${axis.ticks.map(
  (tick) => html`<path class="grid" d="M${at(tick)} 4V${bottom}"/>
<text class="tick" x="${at(tick)}" y="${bottom + 18}" text-anchor="middle">${axis.label(tick)}</text>`,
)}
<path class="base" d="M${left} ${bottom}H${right}"/>
<text class="axis-label" x="${(left + right) / 2}" y="${bottom + 42}" text-anchor="middle">${headed(
    titleOf(measure, toleranceMm),
  )}</text>
${Number.isFinite(from) ? html`<path class="reference" d="M${at(from)} 4V${bottom}"/>` : undefined}
${rows.map(({ entry, mean, interval }, i) => {
  const y = (i + 0.5) * rowHeight + 4;
  const [low, high] = interval?.map(at) ?? [];
  return html`<text class="row-label" x="0" y="${y + 4}">${shorten(entry, 38)}</text>
${
  Number.isFinite(mean)
    ? html`<g class="${colourClass(i)}"><title>${fixed(mean, digits)}${
        interval && html` (${fixed(interval[0], digits)} to ${fixed(interval[1], digits)})`
      }</title>${interval && html`<path class="whisker" d="M${low} ${y}H${high}M${low} ${y - 4}v8M${high} ${y - 4}v8"/>`}
<path class="marker" transform="translate(${at(mean)} ${y})" d="${markers[i % markers.length]}"/></g>`
    : undefined
}`;
})}</svg>`;
}

/** A table of texts, the best of a column marked, with a line below it that says what marks and columns mean. */
export const dataTable = ({ id, caption, header, rows, key }: ComparisonTable): Markup =>
  html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table id="${id}" class="scores comparison">
<caption>${caption}</caption>
<thead><tr>${header.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([{ text: name }, ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map(({ text, best }) =>
        best ? html`<td class="best"><strong>${text}</strong></td>` : html`<td>${text}</td>`,
      )}</tr>`,
  )}</tbody></table></div>
<p class="key">${key}</p>
`;
