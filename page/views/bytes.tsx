/** What was moved, against what full fine-tuning would move, and how long a round takes a site at common speeds. */
import { bytes as inBytes } from '../../src/report/format.js';
import { trafficTable } from '../../src/report/regimes.js';
import { bytesChart } from '../../src/report/scatter.js';
import { CurveChart } from '../parts/curve-chart.js';
import { Drawn } from '../parts/drawn.js';
import { Figure } from '../parts/figure.js';
import type { View } from './view.js';

/** In Mbit/s. */
const speeds = [2, 20, 200];

export const bytes: View = {
  id: 'bytes',
  title: 'Bytes',
  shows: ({ regimes }) => regimes?.plans.some(({ traffic }) => traffic) ?? false,
  Content: ({ data: { regimes, moved } }) => {
    if (!regimes) return null;
    const { plans, sites } = regimes;
    const points = plans.flatMap(({ name, traffic, regimes }) =>
      traffic && regimes.federated ? [{ name, bytes: traffic.total, values: regimes.federated.dice.mean!.values }] : [],
    );
    const costs = plans.flatMap(({ name, traffic }) => {
      if (!traffic) return [];
      const own = traffic.perRound / sites.length;
      return [{ name, own, full: own * traffic.reduction.factor }];
    });
    return (
      <>
        <Drawn markup={trafficTable(plans)} />
        <div class="scroll">
          <table class="scores" id="round-costs">
            <caption>What a round costs a site: bytes, and the time that they take</caption>
            <thead>
              <tr>
                <th scope="col">Plan</th>
                <th scope="col">Bytes</th>
                {speeds.map((speed) => (
                  <th key={speed} scope="col">
                    {speed} Mbit/s
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {costs.flatMap(({ name, own, full }) =>
                [
                  [name, own, ''],
                  [`${name}, if everything travelled`, full, 'muted'],
                ].map(([title, count, className]) => (
                  <tr key={title} class={className as string}>
                    <th scope="row">{title}</th>
                    <td>{inBytes(count as number)}</td>
                    {speeds.map((speed) => (
                      <td key={speed}>{duration(((count as number) * 8) / (speed * 1e6))}</td>
                    ))}
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </div>
        <p class="key">
          Received and sent, mean over sites and rounds; the time is that of the bytes alone, at the same speed both
          ways, one after the other.
        </p>
        <div class="curves">
          {points.length > 0 && (
            <div>
              <h3>Dice on test cases against bytes</h3>
              <Figure
                name="bytes"
                markup={bytesChart(points, 'bytes to and from all sites, all rounds', 'Dice, mean of the sites')}
              />
            </div>
          )}
          {moved && <CurveChart curve={{ ...moved, title: 'Dice on validation cases against bytes' }} />}
        </div>
      </>
    );
  },
};

/** A time with the unit that fits. */
export function duration(seconds: number): string {
  const [amount, unit] =
    seconds < 1
      ? [seconds * 1000, 'ms']
      : seconds < 120
        ? [seconds, 's']
        : seconds < 7200
          ? [seconds / 60, 'min']
          : [seconds / 3600, 'h'];
  return `${Number(amount.toPrecision(2))} ${unit}`;
}
