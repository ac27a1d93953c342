/** What a federation's ledger recorded, as a table by round and site, and what went wrong in it. */
import { bytes } from './format.js';
import { html, type Markup, type Part } from './markup.js';

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

/** What did not go as it should, over all ledgers. */
export function incidents(ledgers: readonly LedgerTable[]): Part {
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

export function ledgerTable({ rounds, plan, seed }: LedgerTable, sites: readonly string[]): Markup {
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
