/** The curves of a federated run's report: Dice and loss by round or epoch, and Dice by what was moved. */

import type { PageData, ReportCurve } from '../../report/index.js';
import type { FederationRecipe, RegimeTask } from './recipe.js';
import type { Found } from './results.js';

type Key = RegimeTask['key'];

/** What a line of the log is about. */
const keys = ['seed', 'plan', 'regime', 'site'] as const satisfies (keyof Key)[];

export interface LogRecord extends Key {
  kind: string;
  /** From 0. */
  epoch?: number;
  values: Record<string, number>;
}

/** Mean over seeds of what is known at a round, by round. */
function averaged(points: readonly [round: number, value: number][]): [number, number][] {
  const byRound = new Map<number, number[]>();
  for (const [round, value] of points) byRound.set(round, [...(byRound.get(round) ?? []), value]);
  return [...byRound]
    .sort(([a], [b]) => a - b)
    .map(([round, values]) => [round, values.reduce((a, b) => a + b, 0) / values.length]);
}

/** For every plan and site two charts with a line for each regime: Dice on validation cases, and loss in training. */
export function roundCurves(
  lines: readonly LogRecord[],
  { sites, variants, tasks }: FederationRecipe,
  { ledger }: Found,
): NonNullable<PageData['curves']> {
  const log = lines.filter(({ kind }) => kind === 'epoch');
  // A resumed run repeats epochs; the last line of each holds.
  const epochs = [
    ...new Map(log.map((one) => [[one.seed, one.plan, one.regime, one.site, one.epoch].join(), one])).values(),
  ];

  /** A value of a task after every epoch or round. */
  const pointsOf = (key: Key, site: string, value: 'dice' | 'loss'): [number, number][] => {
    const name = value === 'dice' ? `dice at ${site}` : 'loss';
    const points = (at: number, values: Record<string, number>): [number, number][] =>
      name in values ? [[at, values[name]]] : [];
    if (key.regime !== 'federated')
      return epochs
        .filter((one) => keys.every((part) => one[part] === key[part]))
        .flatMap(({ epoch, values }) => points(epoch! + 1, values));
    return ledger(key.seed, key.plan).flatMap((entry) => {
      // Of the models that came together Dice is known, of each site's own training the loss.
      const counts = value === 'dice' ? entry.kind === 'aggregated' : entry.kind === 'accepted' && entry.site === site;
      return counts && 'metrics' in entry ? points(entry.round, entry.metrics) : [];
    });
  };

  return variants.flatMap((variant) => {
    const asked = tasks.flatMap((task) => (task.variant === variant ? [task.key] : []));
    const seriesOf = (site: string, value: 'dice' | 'loss') =>
      variant.regimes.map((regime) => {
        const mine = asked.filter((key) => key.regime === regime && (key.site === null || key.site === site));
        return { name: regime, points: averaged(mine.flatMap((key) => pointsOf(key, site, value))) };
      });
    const charts = sites
      .flatMap((site): ReportCurve[] => [
        { title: `${site}, validation`, xLabel: 'round or epoch', yLabel: 'Dice', series: seriesOf(site, 'dice') },
        { title: `${site}, training`, xLabel: 'round or epoch', yLabel: 'loss', series: seriesOf(site, 'loss') },
      ])
      .map((chart) => ({ ...chart, series: chart.series.filter(({ points }) => points.length > 0) }))
      .filter(({ series }) => series.some(({ points }) => points.length > 1));
    return charts.length > 0 ? [{ title: variant.name, charts }] : [];
  });
}

/** For every plan a line over the rounds, at the bytes that had moved by then. */
export function byteCurve({ seeds, variants }: FederationRecipe, { ledger }: Found): ReportCurve | undefined {
  const series = variants.map(({ name }) => {
    const [moved, dice] = [[], []] as [number, number][][];
    for (const seed of seeds) {
      let sum = 0;
      for (const entry of ledger(seed, name)) {
        if ('down' in entry) sum += entry.down + entry.up;
        if (entry.kind !== 'aggregated' || entry.metrics.dice === undefined) continue;
        moved.push([entry.round, sum]);
        dice.push([entry.round, entry.metrics.dice]);
      }
    }
    const values = averaged(dice);
    return { name, points: averaged(moved).map(([, sum], i): [number, number] => [sum, values[i][1]]) };
  });
  const drawn = series.filter(({ points }) => points.length > 1);
  if (drawn.length === 0) return undefined;
  return {
    title: 'Dice against bytes',
    xLabel: 'bytes to and from all sites so far',
    yLabel: 'Dice, mean of the sites',
    xScale: 'bytes',
    series: drawn,
  };
}
