/** The tables of a federated experiment: scores by plan, regime and site, and what was moved for them. */

import { meanOf } from '../metrics/index.js';
import { bytes, fixed, listed, thousands } from './format.js';
import { html, type Markup, type Part } from './markup.js';
import type { FederationSummary, PlanSummary, RegimeScores } from './regime-data.js';
import { meanAndDeviation } from './statistics.js';

const lessThan = (against: 'measured' | 'computed') =>
  against === 'measured' ? 'the plan that trains everything moved in this run' : 'all tensors as float32 would take';

interface Column {
  title: string;
  /** Over seeds; absent: a dash. */
  values(plan: PlanSummary, scores: RegimeScores, regime: string): number[] | undefined;
  signed?: boolean;
}

/** A row for every plan and regime. */
function table(id: string, caption: string, plans: readonly PlanSummary[], columns: readonly Column[]): Markup {
  const bodies = plans.map((plan) => {
    const regimes = Object.entries(plan.regimes);
    const rows = regimes.map(
      ([regime, scores], i) =>
        html`<tr>${
          i === 0 ? html`<th scope="rowgroup" rowspan="${regimes.length}">${plan.name}</th>` : undefined
        }<th scope="row">${regime}</th>${columns.map(({ values, signed: sign }) => {
          const cell = values(plan, scores, regime);
          return html`<td>${cell === undefined ? '–' : sign ? withSign(cell) : meanAndDeviation(cell, 3)}</td>`;
        })}</tr>
`,
    );
    return html`<tbody>${rows}</tbody>`;
  });
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table id="${id}" class="scores regimes">
<caption>${caption}</caption>
<thead><tr><th scope="col">Plan</th><th scope="col">Regime</th>${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}</tr></thead>
${bodies}</table></div>
`;
}

const withSign = (values: number[]) => `${meanOf(values) > 0 ? '+' : ''}${meanAndDeviation(values, 3)}`;

export function scoreTable({ plans, sites }: FederationSummary): Markup {
  const local = plans.some(({ localModels }) => localModels);
  const columns: Column[] = [
    ...[...sites, 'mean'].map((site) => ({
      title: site === 'mean' ? 'Mean' : site,
      values: (_: PlanSummary, { dice }: RegimeScores) => dice[site].values,
    })),
    {
      title: 'Gain',
      signed: true,
      values: ({ gain }, _, regime) => (regime === 'federated' ? gain?.mean.values : undefined),
    },
  ];
  return html`${table('dice', 'Dice on test cases (higher is better)', plans, plans.some(({ gain }) => gain) ? columns : columns.slice(0, -1))}
<p class="key">${local ? 'Local: every site’s own model on its own cases. Gain: federated minus local. ' : ''}Mean ± standard deviation over
seeds; each seed’s value is the mean over the site’s cases${
    local
      ? html`. All local models on the cases of each site, mean: ${listed(
          plans.flatMap(({ name, localModels }) =>
            localModels ? [`${name} ${sites.map((site) => fixed(localModels[site].mean)).join(' / ')}`] : [],
          ),
        )}`
      : ''
  }.</p>`;
}

export function classTable({ plans, sites, classes }: FederationSummary): Part {
  if (classes.length === 1) return undefined;
  const columns = sites.flatMap((site) =>
    classes.map((name) => ({
      title: `${site}, ${name}`,
      values: (_: PlanSummary, scores: RegimeScores) => scores.classes[site][name].values,
    })),
  );
  return table('dice-classes', 'Dice by class', plans, columns);
}

export function surfaceTable({ plans, sites, toleranceMm }: FederationSummary): Markup {
  const columns = [...sites, 'mean'].map((site) => ({
    title: site === 'mean' ? 'Mean' : site,
    values: (_: PlanSummary, { surfaceDice }: RegimeScores) => surfaceDice[site].values,
  }));
  return table('surface-dice', `Surface Dice at a tolerance of ${toleranceMm} mm`, plans, columns);
}

export function trafficTable(plans: readonly PlanSummary[]): Markup {
  const rows = plans.flatMap(({ name, label, trainedParameters, travellingParameters, traffic }) =>
    traffic
      ? [
          html`<tr><th scope="row">${name}${label === name ? undefined : html`<br><span class="muted">${label}</span>`}</th>${[
            thousands(trainedParameters),
            thousands(travellingParameters!),
            String(traffic.rounds),
            bytes(traffic.perRound),
            bytes(traffic.down),
            bytes(traffic.up),
            bytes(traffic.total),
            traffic.reduction.factor.toFixed(1),
          ].map((cell) => html`<td>${cell}</td>`)}</tr>`,
        ]
      : [],
  );
  const against = plans.find(({ traffic }) => traffic)!.traffic!.reduction.against;
  const heads = ['Plan', 'Trained', 'Travels', 'Rounds', 'A round', 'To sites', 'From sites', 'In all', 'Times less'];
  const caption = 'Parameters, and bytes as they were counted on the wire';
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table id="traffic" class="scores">
<caption>${caption}</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>
<p class="key">1 MB is 1,000,000 bytes; all sites together, messages and framing included. Times less: than ${lessThan(
    against,
  )}.</p>`;
}
