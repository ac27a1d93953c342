/** Models side by side: on how many cases each is better than the baseline, and the paired differences. */

import { chance } from '../../src/compare/tables.js';
import { fixed } from '../../src/report/format.js';
import type { PageCases, PageData } from '../../src/report/page-data.js';
import { casesUnder, columnsOf, defaultOrder } from '../case-order.js';
import { Choice } from '../parts/choice.js';
import { useChoices } from '../route.js';
import { comparisonsIn } from './statistics.js';
import type { View } from './view.js';

export const sideBySide: View = {
  id: 'wins',
  title: 'Side by side',
  shows: ({ cases }) => (cases?.models.length ?? 0) > 1 && (cases?.rows.length ?? 0) > 0,
  Content: ({ data }) => {
    const { cases } = data;
    if (!cases) return null;
    const { by, against } = defaultOrder(cases);
    const [choices, choose] = useChoices('wins', { by, against });
    const others = cases.models.filter(({ name }) => name !== choices.against);
    const { title, digits } = columnsOf(cases, { ...choices, model: '' });
    const tested = comparisonsIn(data).find(
      ({ measure, baseline }) => measure === choices.by && baseline === choices.against,
    );
    return (
      <>
        <div class="choices">
          <Choice
            label="Against"
            value={choices.against}
            options={cases.models.map(({ name, label }) => [name, label])}
            onChange={(next) => choose({ against: next })}
          />
          <Choice
            label="by"
            value={choices.by}
            options={cases.measures.map(({ name, title }) => [name, title])}
            onChange={(next) => choose({ by: next })}
          />
        </div>
        <div class="scroll">
          <table class="wins">
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Cases better, equal, worse</th>
                <th scope="col" class="number">
                  Difference (95 % interval)
                </th>
                <th scope="col" class="number">
                  p (Holm)
                </th>
              </tr>
            </thead>
            <tbody>
              {others.map(({ name, label }) => {
                const count = winsOf(cases, { ...choices, model: name }, digits);
                return (
                  <tr key={name}>
                    <th scope="row">{label}</th>
                    <td>
                      <WinBar {...count} />
                    </td>
                    <Tested against={againstOf(tested, name)} mean={count.mean} digits={digits} />
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
        <p class="key">
          By {title}. A case counts as equal where both values are the same as printed. The difference is the mean over
          cases, the model minus the other
          {tested
            ? '; interval: bootstrap (BCa); p: Wilcoxon’s signed-rank test with Holm’s correction.'
            : '; intervals and tests are made against the baseline of the report alone.'}
        </p>
      </>
    );
  },
};

interface Wins {
  better: number;
  equal: number;
  worse: number;
  /** Of the differences that are finite. */
  mean: number;
}

function winsOf(cases: PageCases, order: { by: string; model: string; against: string }, digits: number): Wins {
  const least = 0.5 * 10 ** -digits;
  const { better: way } = columnsOf(cases, order);
  const gains = casesUnder(cases, order).flatMap(({ gain }) => gain ?? []);
  const finite = gains.filter(Number.isFinite);
  return {
    better: gains.filter((gain) => gain >= least).length,
    equal: gains.filter((gain) => Math.abs(gain) < least).length,
    worse: gains.filter((gain) => gain <= -least).length,
    mean: ((way === 'higher' ? 1 : -1) * finite.reduce((a, b) => a + b, 0)) / finite.length,
  };
}

const againstOf = (comparison: PageData['comparison'], name: string) =>
  comparison?.groups[0]?.rows.find(({ entry }) => entry === name)?.against ?? undefined;

type Against = ReturnType<typeof againstOf>;

function Tested({ against, mean, digits }: { against: Against; mean: number; digits: number }) {
  const signed = (value: number) => (value > 0 ? '+' : '') + fixed(value, digits);
  if (!against)
    return (
      <>
        <td class="number">{Number.isFinite(mean) ? signed(mean) : '–'}</td>
        <td class="number">–</td>
      </>
    );
  const { difference, interval, p, adjusted } = against;
  return (
    <>
      <td class="number">
        {signed(difference)}
        {interval && ` (${signed(interval[0])} to ${signed(interval[1])})`}
      </td>
      <td class="number">
        {chance(p)} ({chance(adjusted)})
      </td>
    </>
  );
}

/** Three shares of a bar, with their numbers. */
function WinBar({ better, equal, worse }: Wins) {
  const all = better + equal + worse || 1;
  const parts = [
    ['better', better],
    ['equal', equal],
    ['worse', worse],
  ] as const;
  return (
    <div class="win-bar">
      <span class="number gain">{better}</span>
      <svg
        viewBox="0 0 100 10"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${better} better, ${equal} equal, ${worse} worse`}
      >
        {parts.map(([kind, count], i) => (
          <rect
            key={kind}
            class={kind}
            x={(100 * parts.slice(0, i).reduce((sum, [, n]) => sum + n, 0)) / all}
            width={(100 * count) / all}
            height="10"
          />
        ))}
      </svg>
      <span class="number loss">{worse}</span>
      <span class="muted">{equal > 0 && `${equal} equal`}</span>
    </div>
  );
}
