/** The curves of a federated run's report: Dice and loss by round or epoch, and Dice by what was moved. */

import type { FederationReport, ReportCurve } from '../../report/index.js';
import type { RunFolder } from '../folder.js';
import { type FederationRecipe, variantsOf } from './recipe.js';
import { ledgerOf, type Task, tasksOf } from './results.js';

/** What a line of the log is about. */
const taskKeys = ['seed', 'plan', 'regime', 'site'] as const;

interface LogRecord extends Task {
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
export function roundCurves(folder: RunFolder, recipe: FederationRecipe): FederationReport['curves'] {
  const { seeds, sites } = recipe;
  const log = folder.readLog<LogRecord>().filter(({ kind }) => kind === 'epoch');
  // A resumed run repeats epochs; the last line of each holds.
  const epochs = [
    ...new Map(log.map((one) => [[one.seed, one.plan, one.regime, one.site, one.epoch].join(), one])).values(),
  ];

  /** A value of a task after every epoch or round. */
  const pointsOf = (task: Task, site: string, value: 'dice' | 'loss'): [number, number][] => {
    const key = value === 'dice' ? `dice at ${site}` : 'loss';
    const points = (at: number, values: Record<string, number>): [number, number][] =>
      key in values ? [[at, values[key]]] : [];
    if (task.regime !== 'federated')
      return epochs
        .filter((one) => taskKeys.every((key) => one[key] === task[key]))
        .flatMap(({ epoch, values }) => points(epoch! + 1, values));
    return ledgerOf(folder, task.seed, task.plan).flatMap((entry) => {
      // Of the models that came together Dice is known, of each site's own training the loss.
      const counts = value === 'dice' ? entry.kind === 'aggregated' : entry.kind === 'accepted' && entry.site === site;
      return counts && 'metrics' in entry ? points(entry.round, entry.metrics) : [];
    });
  };

  return variantsOf(recipe).flatMap((variant) => {
    const tasks = seeds.flatMap((seed) => tasksOf(recipe, seed, variant));
    const seriesOf = (site: string, value: 'dice' | 'loss') =>
      variant.regimes.map((regime) => {
        const mine = tasks.filter((task) => task.regime === regime && (task.site === null || task.site === site));
        return { name: regime, points: averaged(mine.flatMap((task) => pointsOf(task, site, value))) };
      });
    const charts = sites
      .flatMap((site): ReportCurve[] => [
        { title: `${site}, validation`, xLabel: 'round or epoch', yLabel: 'Dice', series: seriesOf(site, 'dice') },
        { title: `${site}, training`, xLabel: 'round or epoch', yLabel: 'loss', series: seriesOf(site, 'loss') },
      ])
      .map((chart) => ({ ...chart, series: chart.series.filter(({ points }) => points.length > 0) }))
      .filter(({ series }) => series.some(({ points }) => points.length > 1));
    return charts.length > 0 ? [{ plan: variant.name, charts }] : [];
  });
}

/** For every plan a line over the rounds, at the bytes that had moved by then. */
export function byteCurve(folder: RunFolder, recipe: FederationRecipe): ReportCurve | undefined {
  const series = variantsOf(recipe).map(({ name }) => {
    const [moved, dice] = [[], []] as [number, number][][];
    for (const seed of recipe.seeds) {
      let sum = 0;
      for (const entry of ledgerOf(folder, seed, name)) {
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
