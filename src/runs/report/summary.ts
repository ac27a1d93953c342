/** The headline: which method is best over all targets, by how much, and where it is worse than no adaptation. */

import { meanOf } from '../../metrics/index.js';
import { type ReportData, sourceMethod } from './data.js';
import { change, difference, fixed, listed } from './format.js';
import { html, type Markup } from './markup.js';
import { meanAndDeviation, overTargets, scoreOf } from './statistics.js';

/** One sentence to remember and a paragraph beneath it that keeps it honest. */
export function summary(data: ReportData): Markup {
  const ranked = data.methods
    .map((method) => ({ method, values: overTargets(data, method.name, (score) => score.surfaceDice) }))
    .filter((entry) => entry.values !== undefined && Number.isFinite(meanOf(entry.values)))
    .map(({ method, values }) => ({ method, values: values!, mean: meanOf(values!) }))
    .sort((a, b) => b.mean - a.mean);
  const best = ranked[0];
  if (best === undefined) return html`<p class="headline">No method has a score for every target yet.</p>`;

  const measure = `mean surface Dice at ${data.toleranceMm} mm over ${counted(data.targets.length, 'target')}`;
  const source = ranked.find(({ method }) => method.name === sourceMethod);
  if (best === source) {
    return html`<p class="headline">No method was better than <strong>${source.method.label}</strong>:
${measure} <strong>${meanAndDeviation(source.values, 3)}</strong>.</p>`;
  }
  const headline = html`<p class="headline"><strong>${best.method.label}</strong> was best: ${measure}
<strong>${meanAndDeviation(best.values, 3)}</strong>${
    source &&
    html`, against ${meanAndDeviation(source.values, 3)} for ${source.method.label}
(<strong>${change(best.mean, source.mean)}</strong>)`
  }.</p>`;
  return source ? html`${headline}<p>${targetByTarget(data, best.method.name)}</p>` : headline;
}

function targetByTarget(data: ReportData, method: string): string {
  const changes = data.targets.map((target) => {
    const of = (name: string) => meanOf(scoreOf(data, target, name)!.surfaceDice);
    return { target, by: difference(of(method), of(sourceMethod)) };
  });
  const worse = changes.filter(({ by }) => by < 0);
  const higher = changes.filter(({ by }) => by > 0).length;
  const text = `It was higher than the source model on ${higher} of ${counted(changes.length, 'target')}`;
  return worse.length > 0
    ? `${text} and lower on ${listed(worse.map(({ target, by }) => `${target} (${fixed(by)})`))}.`
    : `${text} and lower on none.`;
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;
