/** The report of a federated experiment: Dice by plan, regime and site, what was moved for it, and how it came about. */

import { meanOf } from '../../metrics/index.js';
import type { Comparison } from '../compare/index.js';
import type { FederationSummary, PlanSummary, RegimeScores } from '../federation/summary.js';
import { lineChart } from './chart.js';
import { comparisonSection } from './comparison.js';
import type { ReportCurve } from './data.js';
import { notesSection, provenanceSection, renderPage, type Section } from './document.js';
import { bytes, change, fixed, listed, thousands } from './format.js';
import { convention, type Panel, panelGroups } from './images.js';
import { html, type Markup, type Part } from './markup.js';
import { bytesChart } from './scatter.js';
import { meanAndDeviation } from './statistics.js';

/** What a round's ledger says about one site. */
export interface LedgerCell {
  outcome: 'accepted' | 'refused' | 'failed' | 'late' | 'missing';
  down: number;
  up: number;
  /** Why, where it was not accepted. */
  reason?: string;
}

export interface LedgerTable {
  /** The variant's name. */
  plan: string;
  seed: number;
  rounds: { round: number; error: number | undefined; cells: Record<string, LedgerCell> }[];
}

/** Plain values, gathered by the run. */
export interface FederationReport {
  title: string;
  description: string;
  /** Versions, seed, machine. */
  provenance: [label: string, value: string][];
  notes: string[];
  summary: FederationSummary;
  /** Of all plans and regimes; absent where there is only one. */
  comparison?: Comparison;
  /** Dice on validation cases by round, a chart for each site; by the variant's name. */
  curves: { plan: string; charts: ReportCurve[] }[];
  /** Dice on validation cases by bytes moved. */
  bytes: ReportCurve | undefined;
  ledgers: LedgerTable[];
  images: { plan: string; groups: { title: string; panels: Panel[] }[] } | undefined;
}

/** The whole document, the same for the same data. */
export const renderFederationReport = (data: FederationReport): string =>
  renderPage({ ...data, sections: sectionsOf(data) });

function sectionsOf({
  summary,
  comparison,
  notes,
  provenance,
  curves,
  bytes: moved,
  ledgers,
  images,
}: FederationReport): Section[] {
  const { plans } = summary;
  const points = plans.flatMap(({ name, traffic, regimes }) =>
    traffic && regimes.federated ? [{ name, bytes: traffic.total, values: regimes.federated.dice.mean.values }] : [],
  );
  return [
    { id: 'summary', title: 'Summary', content: headline(summary) },
    notesSection(notes),
    {
      id: 'scores',
      title: 'Scores',
      content: html`${scoreTable(summary)}${classTable(summary)}${surfaceTable(summary)}`,
    },
    ...(comparison ? [comparisonSection(comparison)] : []),
    {
      id: 'bytes',
      title: 'Bytes',
      content:
        points.length > 0 &&
        html`${trafficTable(plans)}
<div class="curves"><figure><h3>Dice on test cases against bytes</h3>${bytesChart(
          points,
          'bytes to and from all sites, all rounds',
          'Dice, mean of the sites',
        )}</figure>
${moved && html`<figure><h3>Dice on validation cases against bytes</h3>${lineChart(moved)}</figure>`}</div>`,
    },
    {
      id: 'curves',
      title: 'Rounds',
      content:
        curves.length > 0 &&
        html`<p>Dice on the validation cases of each site after every round, or every epoch where there are no rounds${
          summary.seeds.length > 1 ? '; mean of the seeds' : ''
        }.</p>${folded(
          curves.map(({ plan, charts }) => ({
            title: plan,
            content: html`<div class="curves">${charts.map(
              (curve) => html`<figure><h3>${curve.title}</h3>${lineChart(curve)}</figure>
`,
            )}</div>`,
          })),
        )}`,
    },
    {
      id: 'images',
      title: 'Images',
      content:
        images !== undefined &&
        html`<p>For each site the best, the median and the worst test case by the Dice of the federated model, plan ${
          images.plan
        }, first seed; of each plane the slice with most of the reference. ${convention}</p>
${panelGroups(['truth', 'local', 'federated'], images.groups, summary.toleranceMm)}`,
    },
    {
      id: 'ledger',
      title: 'Ledger',
      content:
        ledgers.length > 0 &&
        html`<p>What the coordinator recorded: for every round and site the bytes that the site received ↓ and sent ↑, messages
included.</p>${incidents(ledgers)}${folded(
          ledgers.map((ledger) => ({
            title: summary.seeds.length > 1 ? `${ledger.plan}, seed ${ledger.seed}` : ledger.plan,
            content: ledgerTable(ledger, summary.sites),
          })),
        )}`,
    },
    provenanceSection(provenance),
  ];
}

/** Parts that a reader opens one by one; the first is open. */
const folded = (parts: readonly { title: string; content: Markup }[]): Markup =>
  html`${parts.map(
    ({ title, content }, i) => html`<details${i === 0 ? html` open` : undefined}><summary>${title}</summary>
${content}</details>
`,
  )}`;

/** One sentence to remember and what keeps it honest. */
function headline({ plans, sites }: FederationSummary): Markup {
  const federated = plans.filter(({ regimes }) => regimes.federated);
  const [first] = plans;
  if (federated.length === 0) {
    const regimes = Object.entries(first.regimes).map(
      ([regime, { dice }]) => `${regime} ${meanAndDeviation(dice.mean.values, 3)}`,
    );
    return html`<p class="headline">Dice on unseen cases, mean of ${sites.length} sites, ${first.name}: ${listed(regimes)}.</p>`;
  }
  const best = federated.reduce((a, b) =>
    b.regimes.federated!.dice.mean.mean > a.regimes.federated!.dice.mean.mean ? b : a,
  );
  const { regimes, gain, traffic, name } = best;
  const { dice } = regimes.federated!;
  const worse = gain ? sites.filter((site) => gain[site].mean < 0) : [];
  return html`<p class="headline"><strong>${name}</strong> was the best federated plan: mean Dice over ${sites.length} sites
<strong>${meanAndDeviation(dice.mean.values, 3)}</strong>${
    regimes.local &&
    html`, against ${meanAndDeviation(regimes.local.dice.mean.values, 3)} for the models that the sites train alone`
  }${regimes.centralised && html` and ${meanAndDeviation(regimes.centralised.dice.mean.values, 3)} with all cases in one place`}.</p>
${
  gain
    ? html`<p>Training together was better than alone on ${sites.length - worse.length} of ${sites.length} sites${
        worse.length > 0 ? ` and worse on ${listed(worse.map((site) => `${site} (${signed(gain[site].mean)})`))}` : ''
      }.</p>`
    : undefined
}${
  traffic
    ? html`<p>It moved ${bytes(traffic.perRound)} a round and ${bytes(traffic.total)} in all${
        traffic.reduction.factor > 1.05
          ? `, ${traffic.reduction.factor.toFixed(1)} times less than ${lessThan(traffic.reduction.against)}`
          : ''
      }.</p>`
    : undefined
}`;
}

const lessThan = (against: 'measured' | 'computed') =>
  against === 'measured' ? 'the plan that trains everything moved in this run' : 'all tensors as float32 would take';
const signed = (value: number) => change(value, 0);

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

function scoreTable({ plans, sites }: FederationSummary): Markup {
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

function classTable({ plans, sites, classes }: FederationSummary): Part {
  if (classes.length === 1) return undefined;
  const columns = sites.flatMap((site) =>
    classes.map((name) => ({
      title: `${site}, ${name}`,
      values: (_: PlanSummary, scores: RegimeScores) => scores.classes[site][name].values,
    })),
  );
  return table('dice-classes', 'Dice by class', plans, columns);
}

function surfaceTable({ plans, sites, toleranceMm }: FederationSummary): Markup {
  const columns = [...sites, 'mean'].map((site) => ({
    title: site === 'mean' ? 'Mean' : site,
    values: (_: PlanSummary, { surfaceDice }: RegimeScores) => surfaceDice[site].values,
  }));
  return table('surface-dice', `Surface Dice at a tolerance of ${toleranceMm} mm`, plans, columns);
}

function trafficTable(plans: readonly PlanSummary[]): Markup {
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

/** What did not go as it should, over all ledgers. */
function incidents(ledgers: readonly LedgerTable[]): Part {
  const items = ledgers.flatMap(({ plan, seed, rounds }) =>
    rounds.flatMap(({ round, cells }) =>
      Object.entries(cells)
        .filter(([, { outcome }]) => outcome !== 'accepted')
        .map(
          ([site, { outcome, reason }]) =>
            html`<li><b>${plan}, seed ${seed}, round ${round}: ${site} ${outcome}.</b> ${reason}</li>`,
        ),
    ),
  );
  return items.length > 0
    ? html`<ul class="notes">${items}</ul>`
    : html`<p>Every update was accepted: no site was late, failed or was refused.</p>`;
}

function ledgerTable({ rounds, plan, seed }: LedgerTable, sites: readonly string[]): Markup {
  const withError = rounds.some(({ error }) => error !== undefined);
  const cell = ({ outcome, down, up }: LedgerCell) =>
    html`<td>${outcome === 'accepted' ? undefined : html`<b>${outcome}</b> `}↓ ${bytes(down)} ↑ ${bytes(up)}</td>`;
  const sum = (own: (cell: LedgerCell) => number, of: readonly LedgerCell[]) =>
    of.reduce((total, one) => total + own(one), 0);
  const totalOf = (cells: readonly LedgerCell[]): LedgerCell => ({
    outcome: 'accepted',
    down: sum(({ down }) => down, cells),
    up: sum(({ up }) => up, cells),
  });
  const all = rounds.flatMap(({ cells }) => Object.entries(cells));
  const caption = `Ledger of ${plan}, seed ${seed}`;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table class="scores ledger">
<caption>${caption}</caption>
<thead><tr><th scope="col">Round</th>${sites.map((site) => html`<th scope="col">${site}</th>`)}<th scope="col">All sites</th>${
    withError ? html`<th scope="col">Aggregation error</th>` : undefined
  }</tr></thead>
<tbody>${rounds.map(
    ({ round, error, cells }) =>
      html`<tr><th scope="row">${round}</th>${sites.map((site) =>
        cells[site] ? cell(cells[site]) : html`<td>–</td>`,
      )}${cell(totalOf(Object.values(cells)))}${
        withError ? html`<td>${error === undefined ? '–' : error.toPrecision(2)}</td>` : undefined
      }</tr>`,
  )}</tbody>
<tfoot><tr class="mean"><th scope="row">All</th>${sites.map((site) =>
    cell(totalOf(all.flatMap(([name, one]) => (name === site ? [one] : [])))),
  )}${cell(totalOf(all.map(([, one]) => one)))}${withError ? html`<td></td>` : undefined}</tr></tfoot></table></div>
`;
}
