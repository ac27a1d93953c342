/** The report of a federated experiment: Dice by plan, regime and site, what was moved for it, and how it came about. */

import type { Comparison } from '../compare/index.js';
import { lineChart } from './chart.js';
import { comparisonSection } from './comparison.js';
import { curveGrid } from './curves.js';
import type { Headline, PanelGroup, Provenance, ReportCurve } from './data.js';
import { notesSection, renderPage, type Section, summarySection } from './document.js';
import { imagesSection } from './images.js';
import { incidents, type LedgerTable, ledgerTable } from './ledger.js';
import { html, type Markup } from './markup.js';
import { provenanceSection } from './provenance.js';
import type { FederationSummary } from './regime-data.js';
import { classTable, scoreTable, surfaceTable, trafficTable } from './regimes.js';
import { bytesChart } from './scatter.js';

/** Plain values, gathered by the run. */
export interface FederationReport {
  title: string;
  description: string;
  headline: Headline;
  provenance: Provenance;
  notes: string[];
  summary: FederationSummary;
  /** Of all plans and regimes; absent where there is only one. */
  comparison?: Comparison;
  /** Dice on validation cases and loss by round, two charts for each site; by the variant's name. */
  curves: { plan: string; charts: ReportCurve[] }[];
  /** Dice on validation cases by bytes moved. */
  bytes: ReportCurve | undefined;
  ledgers: LedgerTable[];
  images: { plan: string; groups: readonly PanelGroup[] } | undefined;
}

/** The whole document, the same for the same data. */
export const renderFederationReport = (data: FederationReport): string =>
  renderPage({ ...data, sections: sectionsOf(data) });

function sectionsOf({
  headline,
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
    summarySection(headline),
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
        html`<p>After every round, or every epoch where there are no rounds${
          summary.seeds.length > 1 ? '; mean of the seeds' : ''
        }: Dice on the validation cases of each site, and the loss of the training cases that each model was trained on there.</p>${folded(
          curves.map(({ plan, charts }) => ({
            title: plan,
            content: curveGrid(charts),
          })),
        )}`,
    },
    imagesSection(
      `For each site the best, the median and the worst test case by the Dice of the federated model, plan ${images?.plan}, first seed; of each plane the slice with most of the reference.`,
      { outlined: ['truth', 'local', 'federated'], classes: summary.classes },
      images?.groups ?? [],
    ),
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
