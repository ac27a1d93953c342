/**
 * The tables of scores: targets down, methods across, the mean over targets and what each method costs below.
 *
 * The best of a row is bold and carries a star; equal values, as printed, are equally good.
 */

import { boundaryKey, gapKey, percent } from '../compare/index.js';
import { meanOf } from '../metrics/index.js';
import type { ReportScore, ReportScores } from './data.js';
import { fixed, kilobytes, listed, thousands } from './format.js';
import { html, type Markup, type Part } from './markup.js';
import { meanAndDeviation, overTargets, scoreOf, type Values } from './statistics.js';

interface Measure {
  id: string;
  caption: string;
  values: Values;
  digits: number;
  /** Absent: nothing is best. */
  better?: 'higher' | 'lower';
}

/** All tables, and under them what the guard did and why. */
export function scoreTables(data: ReportScores): Markup {
  const measures: Measure[] = [
    {
      id: 'surface-dice',
      caption: `Surface Dice at a tolerance of ${data.toleranceMm} mm on the grid of the scans (higher is better)`,
      values: (score) => score.surfaceDice,
      digits: 3,
      better: 'higher',
    },
    {
      id: 'surface-dice-slices',
      caption: `Surface Dice at a tolerance of ${data.toleranceMm} mm on the slices that the network sees (higher is better)`,
      values: (score) => score.surfaceDiceOnSlices,
      digits: 3,
      better: 'higher',
    },
    { id: 'dice', caption: 'Dice (higher is better)', values: (score) => score.dice, digits: 3, better: 'higher' },
  ];
  if (data.scores.some((score) => score.hausdorff95)) {
    measures.push({
      id: 'hausdorff95',
      caption: '95th percentile of the Hausdorff distance in mm (lower is better)',
      values: (score) => score.hausdorff95,
      digits: 2,
      better: 'lower',
    });
  }
  measures.push({
    id: 'boundary-bias',
    caption: 'Boundary bias in mm',
    values: (score) => score.boundaryBias,
    digits: 2,
  });
  const shown = measures.filter(({ values }) => data.scores.some((score) => values(score)?.some(Number.isFinite)));
  const guard = guardNotes(data);
  return html`${shown.map((measure, i) => scoreTable(data, measure, guard.marks, i === 0 ? costRows(data) : undefined))}
${gapTable(data)}<p class="key">Mean ± standard deviation over seeds; each seed’s value is the mean over the target’s cases.
${data.scored && html`Scored: ${data.scored}. `}${shown.some(({ id }) => id === 'boundary-bias') ? html`${boundaryKey} ` : undefined}
${data.methods.length > 1 ? '★ best mean of the row, which may be luck.' : undefined} – not computed.</p>
${guard.list}`;
}

function scoreTable(data: ReportScores, measure: Measure, marks: Map<ReportScore, string>, costs: Part): Markup {
  const { id, caption, values, digits } = measure;
  const rows = data.targets.map((target) => {
    const scores = data.methods.map((method) => scoreOf(data, target, method.name));
    const cells = scores.map((score) => score && values(score));
    return html`<tr><th scope="row">${target}</th>${valueCells(cells, measure, (i) => {
      const mark = scores[i] && marks.get(scores[i]);
      return mark && html`<a href="#guard-${mark}" aria-label="guard note ${mark}">${mark}</a>`;
    })}</tr>`;
  });
  const means = data.methods.map((method) => overTargets(data, method.name, values));
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table id="${id}" class="scores">
<caption>${caption}</caption>
<thead><tr><th scope="col">Target</th>${data.methods.map((method) => html`<th scope="col">${method.label}</th>`)}</tr></thead>
<tbody>${rows}</tbody>
<tfoot><tr class="mean"><th scope="row">Mean over targets</th>${valueCells(means, measure)}</tr>${costs}</tfoot>
</table></div>
`;

  function valueCells(cells: (number[] | undefined)[], { better }: Measure, mark?: (i: number) => Part): Markup[] {
    // Compared as printed: two cells that read the same are both the best. An oracle is no competitor.
    const printed = cells.map((cell, i) =>
      better && cell?.length && !data.methods[i]!.oracle ? Number(meanOf(cell).toFixed(digits)) : Number.NaN,
    );
    const finite = printed.filter(Number.isFinite);
    const best = better === 'higher' ? Math.max(...finite) : Math.min(...finite);
    return cells.map((cell, i) => {
      if (!cell?.length) return html`<td>–</td>`;
      const text = (better === undefined && meanOf(cell) > 0 ? '+' : '') + meanAndDeviation(cell, digits);
      const star =
        finite.length > 1 && printed[i] === best
          ? html`<span role="img" aria-label="best mean of the row">★</span>`
          : undefined;
      const note = mark?.(i);
      // Stars and notes hang beside the number, so that numbers stay aligned.
      const after = (star || note) && html` <span class="after">${star}${note}</span>`;
      return star ? html`<td class="best"><strong>${text}</strong>${after}</td>` : html`<td>${text}${after}</td>`;
    });
  }
}

/** By target and method the share of the gap between source and oracle; nothing where there is no gap to speak of. */
function gapTable(data: ReportScores): Part {
  if (!data.scores.some(({ gapClosed }) => typeof gapClosed === 'number')) return undefined;
  const caption = 'Gap between source model and oracle that is closed, in surface Dice';
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table id="gap-closed" class="scores">
<caption>${caption}</caption>
<thead><tr><th scope="col">Target</th>${data.methods.map(({ label }) => html`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>${data.targets.map(
    (target) =>
      html`<tr><th scope="row">${target}</th>${data.methods.map(
        ({ name }) => html`<td>${percent(scoreOf(data, target, name)?.gapClosed ?? undefined)}</td>`,
      )}</tr>`,
  )}</tbody></table></div>
<p class="key">${gapKey}</p>
`;
}

function costRows({ methods }: ReportScores): Markup {
  const row = (label: string, cells: string[]) =>
    html`<tr class="cost"><th scope="row">${label}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
  return html`${row(
    'Trained parameters',
    methods.map((method) => thousands(method.trainedParameters)),
  )}${row(
    'Adapter size (kB)',
    methods.map(({ adapterBytes }) => (adapterBytes === null ? '–' : kilobytes(adapterBytes))),
  )}${
    methods.some((method) => method.seconds !== undefined)
      ? row(
          'Adaptation time (s)',
          methods.map(({ seconds }) => (seconds === undefined ? '–' : fixed(seconds, 1))),
        )
      : undefined
  }`;
}

const keptWords: Record<string, string> = {
  adapted: 'Adapted model kept',
  source: 'Source model kept',
  statistics: 'Only the adapted statistics kept',
};

/** A letter for each different decision of the guard, and the list that explains them. */
function guardNotes(data: ReportScores): { marks: Map<ReportScore, string>; list: Part } {
  const marks = new Map<ReportScore, string>();
  const decisions = new Map<string, ReportScore[]>();
  for (const score of data.scores) {
    if (score.guard === undefined) continue;
    const key = JSON.stringify([score.kept, score.guard]);
    decisions.set(key, [...(decisions.get(key) ?? []), score]);
  }
  const labelOf = (name: string) => data.methods.find((method) => method.name === name)?.label ?? name;
  const items = [...decisions.values()].map((scores, i) => {
    const mark = String.fromCharCode(97 + (i % 26)).repeat(1 + Math.floor(i / 26)); // a … z, aa … zz
    for (const score of scores) marks.set(score, mark);
    const { kept, guard } = scores[0]!;
    const where = listed(scores.map((score) => `${score.target}, ${labelOf(score.method)}`));
    return html`<li id="guard-${mark}"><span class="mark">${mark}</span><span><b>${where}.</b> ${
      keptWords[kept] ?? `Kept: ${kept}`
    }. ${guard}</span></li>`;
  });
  return {
    marks,
    list: items.length > 0 ? html`<ul class="guard" aria-label="What the guard kept">${items}</ul>` : undefined,
  };
}
