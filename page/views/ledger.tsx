/** What the coordinator recorded of every round. */
import { incidents, ledgerTable } from '../../src/report/ledger.js';
import { html } from '../../src/report/markup.js';
import { Drawn } from '../parts/drawn.js';
import type { View } from './view.js';

export const ledger: View = {
  id: 'ledger',
  title: 'Ledger',
  shows: ({ ledgers = [] }) => ledgers.length > 0,
  Content: ({ data: { ledgers = [], regimes } }) => {
    const sites = regimes?.sites ?? [
      ...new Set(ledgers.flatMap(({ rounds }) => rounds.flatMap(({ cells }) => Object.keys(cells)))),
    ];
    const seeds = new Set(ledgers.map(({ seed }) => seed));
    return (
      <>
        <p>
          What the coordinator recorded: for every round and site the bytes that the site received ↓ and sent ↑,
          messages included.
        </p>
        <Drawn markup={html`${incidents(ledgers)}`} />
        {ledgers.map((one, i) => (
          <details key={`${one.plan}/${one.seed}`} open={i === 0}>
            <summary>{seeds.size > 1 ? `${one.plan}, seed ${one.seed}` : one.plan}</summary>
            <Drawn markup={ledgerTable(one, sites)} />
          </details>
        ))}
      </>
    );
  },
};
