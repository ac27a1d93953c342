/** The curves of an adaptation's report: training on the source, and what the selection saw on the targets. */

import { meanOf } from '../../metrics/index.js';
import type { ReportCurve } from '../../report/index.js';
import type { Result } from './results.js';

export interface EpochRecord {
  kind: string;
  seed: number;
  task: string;
  method?: string;
  epoch: number;
  values: Record<string, number>;
}

/** Of every seed. */
export function trainingCurves(log: readonly EpochRecord[]): ReportCurve[] {
  // The oracle's training has a method.
  const lines = log.filter(({ kind, task, method }) => kind === 'epoch' && task === 'network' && method === undefined);
  const series = (value: string) =>
    [...new Set(lines.map(({ seed }) => seed))].map((seed) => ({
      name: `seed ${seed}`,
      // A resumed run repeats epochs; the last line of each holds.
      points: [
        ...new Map(
          lines
            .filter((line) => line.seed === seed && value in line.values)
            .map(({ epoch, values }) => [epoch + 1, values[value]]),
        ),
      ],
    }));
  return [
    { title: 'Training on the source', xLabel: 'epoch', yLabel: 'loss', series: series('loss') },
    { title: 'Validation on the source', xLabel: 'epoch', yLabel: 'Dice', series: series('dice') },
  ].filter((curve) => curve.series.some(({ points }) => points.length > 1));
}

/** What the selection saw while the shown method adapted. */
export function lookCurves(results: readonly Result[], method: string): ReportCurve[] {
  const mine = results.filter((one) => one.method === method && one.seed === results[0].seed);
  const series = mine.map(({ target, fold, looks }) => ({
    name: fold === undefined ? target : `${target}, fold ${fold}`,
    points: looks
      .filter(({ candidate }) => candidate !== 'source' || !looks.some((look) => look.candidate === 'statistics'))
      .map(({ candidate, agreement, mirrored }): [number, number] => [
        typeof candidate === 'number' ? candidate : 0,
        mirrored ? meanOf(mirrored) : agreement,
      ]),
  }));
  const curve = {
    title: `Label-free selection, ${method}`,
    xLabel: 'epoch',
    yLabel: mine.some(({ looks }) => looks[0]?.mirrored)
      ? 'agreement with mirror images'
      : 'agreement of the two heads',
    series,
  };
  return series.some(({ points }) => points.length > 1) ? [curve] : [];
}
