/** A federation over a network: what each site does, when it was last heard, and its share of every round. */
import { bytes, fixed } from '../../src/report/format.js';
import type { PageStanding } from '../../src/report/page-data.js';
import { useNow, useSecondsLeft } from '../parts/now.js';
import { rounds as roundsOf } from '../parts/time-left.js';
import { duration } from './bytes.js';
import type { View } from './view.js';

export const sites: View = {
  id: 'sites',
  title: 'Sites',
  shows: ({ standing }) => standing !== undefined,
  Content: ({ data: { standing } }) => {
    const now = useNow();
    const secondsLeft = useSecondsLeft();
    if (!standing) return null;
    const { state, rounds, quorum, open, sites, done } = standing;
    const left = secondsLeft(
      roundsOf(
        done.map(({ at }) => at),
        rounds - done.length,
      ),
    );
    return (
      <>
        <p>
          {state}{' '}
          {open &&
            `${open.accepted.length} of ${open.chosen.length} updates are there, at least ${quorum} are needed. `}
          {left !== undefined && `About ${duration(left)} left.`}
        </p>
        <div class="scroll">
          <table class="standing">
            <thead>
              <tr>
                <th scope="col">Site</th>
                <th scope="col">State</th>
                <th scope="col">Last heard</th>
                <th scope="col" class="number">
                  A round takes
                </th>
                <th scope="col">Left in this round</th>
                <th scope="col" class="number">
                  Updates taken
                </th>
                <th scope="col" class="number">
                  Not taken
                </th>
                <th scope="col" class="number">
                  Moved
                </th>
                <th scope="col">Last error</th>
              </tr>
            </thead>
            <tbody>
              {sites.map(({ name, state, heard, accepted, refused, moved, reason, took }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{state}</td>
                  <td>
                    {heard === undefined
                      ? '–'
                      : `${duration(Math.max(1, Math.round((now - Date.parse(heard)) / 1000)))} ago`}
                  </td>
                  <td class="number">{took ? duration(took.seconds / took.count) : '–'}</td>
                  <td>{leftIn(open, name, secondsLeft(took && updateOf(took, open)))}</td>
                  <td class="number">{accepted}</td>
                  <td class="number">{refused}</td>
                  <td class="number">{bytes(moved)}</td>
                  <td class={reason ? 'loss' : 'muted'}>{reason ?? 'none'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {done.length > 0 && (
          <div class="scroll">
            <table class="scores">
              <caption>
                Share of each site in each of {done.length} of {rounds} rounds
              </caption>
              <thead>
                <tr>
                  <th scope="col">Round</th>
                  {sites.map(({ name }) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                  <th scope="col">Loss</th>
                  <th scope="col">Moved</th>
                  <th scope="col">Closed (UTC)</th>
                </tr>
              </thead>
              <tbody>
                {done.toReversed().map(({ round, at = '–', weights, loss, moved }) => (
                  <tr key={round}>
                    <th scope="row">{round}</th>
                    {sites.map(({ name }) => (
                      <td key={name}>{weights[name] === undefined ? '–' : `${(100 * weights[name]).toFixed(1)} %`}</td>
                    ))}
                    <td>{loss === undefined ? '–' : fixed(loss)}</td>
                    <td>{bytes(moved)}</td>
                    <td>{at.slice(0, 19).replace('T', ' ')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </>
    );
  },
};

/** What a site does in a round, as work. */
const updateOf = (took: { count: number; seconds: number }, open: PageStanding['open']) => ({
  done: [{ kind: 'update', ...took }],
  left: [{ kind: 'update', count: 1 }],
  ...(open?.asked !== undefined && { begun: open.asked }),
});

/** In words, of a site whose update is waited for. */
function leftIn(open: PageStanding['open'], site: string, seconds: number | undefined): string {
  const waited = open?.chosen.includes(site) && !open.accepted.includes(site) && !open.out.includes(site);
  if (!waited || seconds === undefined) return '–';
  return seconds > 0 ? `about ${duration(seconds)}` : 'longer than usual';
}
