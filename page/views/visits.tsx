/** What a hospital's site did in each round: when, how long, how many bytes, and what it said of its training. */
import { bytes, fixed } from '../../src/report/format.js';
import { useSecondsLeft } from '../parts/now.js';
import { rounds as roundsOf } from '../parts/time-left.js';
import { duration } from './bytes.js';
import type { View } from './view.js';

export const visits: View = {
  id: 'rounds',
  title: 'Rounds',
  shows: ({ site }) => site !== undefined,
  Content: ({ data: { site } }) => {
    const secondsLeft = useSecondsLeft();
    if (!site) return null;
    const { state, rounds, done } = site;
    const sent = done.filter((one) => one.sent !== undefined);
    const last = done.at(-1);
    const ended = (last?.round ?? 0) - (last?.sent === undefined ? 1 : 0);
    const left =
      rounds === undefined
        ? undefined
        : secondsLeft(
            roundsOf(
              sent.map((one) => one.sent),
              rounds - ended,
            ),
          );
    const metrics = [...new Set(done.flatMap((one) => Object.keys(one.metrics)))];
    const all = (of: 'down' | 'up') => bytes(done.reduce((sum, one) => sum + one[of], 0));
    return (
      <>
        <p>
          {state} {rounds !== undefined && `${sent.length} of ${rounds} rounds were trained here. `}
          {left !== undefined && `About ${duration(left)} left.`}
        </p>
        {done.length > 0 && (
          <div class="scroll">
            <table class="scores">
              <caption>
                Rounds of this site: {all('down')} received, {all('up')} sent
              </caption>
              <thead>
                <tr>
                  <th scope="col">Round</th>
                  <th scope="col">Asked (UTC)</th>
                  <th scope="col">Took</th>
                  <th scope="col">Received</th>
                  <th scope="col">Sent</th>
                  {metrics.map((name) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {done.toReversed().map((one) => (
                  <tr key={one.round}>
                    <th scope="row">
                      {one.round} {one.reason && <span class="loss">{one.reason}</span>}
                    </th>
                    <td>{one.asked?.slice(0, 19).replace('T', ' ') ?? '–'}</td>
                    <td>{took(one)}</td>
                    <td>{one.sent ? bytes(one.down) : '–'}</td>
                    <td>{one.sent ? bytes(one.up) : '–'}</td>
                    {metrics.map((name) => (
                      <td key={name}>{one.metrics[name] === undefined ? '–' : fixed(one.metrics[name])}</td>
                    ))}
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

/** From being asked to the update's leaving; a site that was asked again since does not say. */
function took({ asked, sent }: { asked?: string; sent?: string }): string {
  const seconds = asked && sent ? (Date.parse(sent) - Date.parse(asked)) / 1000 : Number.NaN;
  return seconds >= 0 ? duration(seconds) : '–';
}
