/** How the updates of a round lie to each other: how far each site went in which layers, and whether it went with the others. */
import { useMemo } from 'preact/hooks';
import { driftOf, normOf } from '../../src/report/aggregation.js';
import type { PageAggregation } from '../../src/report/page-data.js';
import { Choice } from '../parts/choice.js';
import { CurveChart } from '../parts/curve-chart.js';
import { VirtualTable } from '../parts/virtual-table.js';
import { useChoices } from '../route.js';
import type { View } from './view.js';

type Agreement = NonNullable<PageAggregation['rounds'][number]['agreement']>;

/** Columns and lines that a reader can tell apart. */
const most = 16;

export const aggregation: View = {
  id: 'aggregation',
  title: 'Aggregation',
  shows: ({ aggregations = [] }) => aggregations.some(({ rounds }) => rounds.some(({ agreement }) => agreement)),
  Content: ({ data: { aggregations = [] } }) => {
    const [chosen, choose] = useChoices('aggregation', { of: '', round: '' });
    const shown = aggregations.filter(({ rounds }) => rounds.some(({ agreement }) => agreement));
    const one = shown.find(({ title }) => title === chosen.of) ?? shown[0];
    const drifts = useMemo(() => driftsOf(one?.rounds ?? []), [one]);
    if (!one) return null;
    const rounds = one.rounds.filter(({ agreement }) => agreement);
    const { round, agreement } = rounds.find((each) => String(each.round) === chosen.round) ?? rounds.at(-1)!;
    return (
      <>
        <p>
          An update is what a site changed in a round. Its cosine with the mean of all other updates says whether it
          went where they did: 1 is the same direction, 0 has nothing in common with theirs, below 0 they undo each
          other. A site <b class="loss">drifts</b> where its cosine is far below that of the others, or its update three
          times as large as theirs. It may be wrong, or have other images than they have.
        </p>
        <div class="choices">
          {shown.length > 1 && (
            <Choice
              label="Federation"
              value={one.title}
              options={shown.map(({ title }) => [title, title])}
              onChange={(of) => choose({ of })}
            />
          )}
          <Choice
            label="Round"
            value={String(round)}
            options={rounds.toReversed().map((each) => {
              const count = drifts.get(each.round)?.size ?? 0;
              const told = count === 0 ? '' : count === 1 ? ' (1 site drifts)' : ` (${count} sites drift)`;
              return [String(each.round), `${each.round}${told}`];
            })}
            onChange={(round) => choose({ round })}
          />
        </div>
        <Sites agreement={agreement!} round={round} drifts={drifts} />
        <Layers agreement={agreement!} drift={drifts.get(round)!} />
        <Pairs agreement={agreement!} />
        <Curves rounds={one.rounds} last={rounds.at(-1)!.agreement!} />
      </>
    );
  },
};

type Drifts = Map<number, ReturnType<typeof driftOf>>;

const driftsOf = (rounds: PageAggregation['rounds']): Drifts =>
  new Map(rounds.map(({ round, agreement }) => [round, driftOf(agreement?.sites ?? [])]));

const cosineText = (cosine: number | null) => (cosine === null ? '–' : cosine.toFixed(3));

/** Those that go with the others least come first. */
const sorted = ({ sites }: Agreement) => sites.toSorted((a, b) => (a.cosine ?? 2) - (b.cosine ?? 2));

function Sites({ agreement, round, drifts }: { agreement: Agreement; round: number; drifts: Drifts }) {
  const sites = sorted(agreement);
  const drift = drifts.get(round)!;
  return (
    <>
      <VirtualTable
        caption={`Updates of round ${round}`}
        count={sites.length}
        head={
          <tr>
            <th scope="col">Site</th>
            <th scope="col" class="number">
              Cosine
            </th>
            <th scope="col" class="number">
              Norm
            </th>
            <th scope="col">In this round</th>
            <th scope="col" class="number">
              Rounds adrift
            </th>
          </tr>
        }
        row={(index) => {
          const site = sites[index]!;
          const how = drift.get(site.site);
          const count = [...drifts.values()].filter((one) => one.has(site.site)).length;
          return (
            <>
              <th scope="row">{site.site}</th>
              <td class="number">{cosineText(site.cosine)}</td>
              <td class="number">{normOf(site).toPrecision(3)}</td>
              <td class={how ? 'loss' : 'muted'}>
                {how === 'direction' ? 'drifts: another direction' : how ? 'drifts: far larger' : 'with the others'}
              </td>
              <td class="number">
                {count} of {drifts.size}
              </td>
            </>
          );
        }}
      />
      <p class="key">Norm of the mean update: {agreement.norm.toPrecision(3)}.</p>
    </>
  );
}

function Layers({ agreement, drift }: { agreement: Agreement; drift: ReadonlyMap<string, unknown> }) {
  const sites = sorted(agreement).slice(0, most);
  const largest = Math.max(...sites.flatMap(({ norms }) => norms)) || 1;
  return (
    <div class="scroll">
      <table class="scores" id="layer-norms">
        <caption>
          Norms of the updates by layer
          {sites.length < agreement.sites.length && `, ${most} of ${agreement.sites.length} sites`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Layer</th>
            {sites.map(({ site }) => (
              <th key={site} scope="col" class={drift.has(site) ? 'loss' : undefined}>
                {site}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {agreement.layers.map((layer, k) => (
            <tr key={layer}>
              <th scope="row">{layer || 'the network'}</th>
              {sites.map(({ site, norms }) => (
                <td key={site} class="bar" style={{ '--share': String(norms[k]! / largest) }}>
                  {norms[k]!.toPrecision(2)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Pairs({ agreement: { sites, pairs } }: { agreement: Agreement }) {
  if (!pairs || sites.length < 3) return null;
  return (
    <div class="scroll">
      <table class="scores" id="site-cosines">
        <caption>Cosines between the updates of two sites</caption>
        <thead>
          <tr>
            <th scope="col">Site</th>
            {sites.slice(0, -1).map(({ site }) => (
              <th key={site} scope="col">
                {site}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sites.slice(1).map(({ site }, i) => (
            <tr key={site}>
              <th scope="row">{site}</th>
              {sites.slice(0, -1).map((other, j) => {
                const value = j <= i ? pairs[((i + 1) * i) / 2 + j]! : undefined;
                return (
                  <td key={other.site} class={value && value < 0 ? 'loss' : undefined}>
                    {value === undefined ? '' : cosineText(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Curves({ rounds, last }: { rounds: PageAggregation['rounds']; last: Agreement }) {
  const charts = useMemo(() => {
    const errors = rounds.flatMap(({ round, error }): [number, number][] => (error === null ? [] : [[round, error]]));
    const cosines = sorted(last)
      .slice(0, most)
      .map(({ site: name }) => ({
        name,
        points: rounds.flatMap(({ round, agreement }): [number, number][] => {
          const cosine = agreement?.sites.find(({ site }) => site === name)?.cosine ?? null;
          return cosine === null ? [] : [[round, cosine]];
        }),
      }));
    const chart = (title: string, yLabel: string, series: typeof cosines) => ({
      ...{ title, xLabel: 'round', yLabel, series },
    });
    return [
      chart('Cosine with the mean of the others', 'cosine', cosines),
      chart('Aggregation error', 'of the norm of the mean product', [{ name: 'error', points: errors }]),
    ].filter(({ series }) => series.some(({ points }) => points.length > 1));
  }, [rounds, last]);
  if (charts.length === 0) return null;
  return (
    <div class="curves">
      {charts.map((curve) => (
        <CurveChart key={curve.title} curve={curve} />
      ))}
    </div>
  );
}
