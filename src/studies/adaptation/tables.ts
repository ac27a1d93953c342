/** The tables of an adaptation: methods by target, and on which side of the reference their masks end. */
import { boundaryKey, gapKey, percent, signedMm } from '../../compare/index.js';
import { extentTitles } from '../../metrics/index.js';
import type { SummaryTable } from '../findings.js';
import { overSeeds } from '../spread.js';
import { oracleMethod } from './recipe.js';
import type { Summary } from './summary.js';

export const tablesOf = (summary: Summary): SummaryTable[] => [
  scoreTable(summary),
  // Runs of earlier versions have not measured it.
  ...(summary.methods.some(({ boundaryBias }) => Number.isFinite(boundaryBias.mean.mean))
    ? [boundaryTable(summary)]
    : []),
];

function scoreTable(summary: Summary): SummaryTable {
  const { methods, toleranceMm, scored, seeds, folds = 1 } = summary;
  // The targets, and their mean.
  const places = Object.keys(methods[0].surfaceDice);
  const runs = seeds.length * (places.length - 1) * folds;
  const best = (name: string) => ({ name, best: true });
  const intervals = methods.some(({ interval }) => interval);
  return {
    title:
      `Surface Dice at ${toleranceMm} mm on the grid of the scans, ${extentTitles[scored]}, unseen patients` +
      `${folds > 1 ? ` (all, crossed over in ${folds} folds)` : ''}, ${overSeeds(summary)}; slices: mean on those that the network sees:`,
    columns: [
      { name: 'method' },
      ...[...places, 'slices'].map(best),
      ...(intervals ? [{ name: '95 % interval' }] : []),
      best('Dice'),
      ...[{ name: 'trained', as: 'count' as const }, { name: 'adapter' }, { name: 'guarded' }],
    ],
    rows: methods.map((one) => {
      const { name, label, surfaceDice, surfaceDiceOnSlices, interval, dice, trainedParameters, adapterBytes } = one;
      // An oracle is no competitor: only numbers can stand out.
      const number = (value: number) =>
        Number.isNaN(value) ? undefined : name === oracleMethod ? value.toFixed(4) : value;
      return [
        label,
        ...places.map((place) => number(surfaceDice[place].mean)),
        number(surfaceDiceOnSlices.mean.mean),
        ...(intervals ? [interval?.map((end) => end.toFixed(3)).join(' to ')] : []),
        number(dice.mean.mean),
        trainedParameters,
        adapterBytes === null ? undefined : `${(adapterBytes / 1000).toFixed(0)} kB`,
        one.guarded.length > 0 ? `${one.guarded.length} of ${runs}` : undefined,
      ];
    }),
  };
}

function boundaryTable({ methods }: Summary): SummaryTable {
  const places = Object.keys(methods[0].surfaceDice);
  const closed = methods.some(({ gapClosed }) => Object.values(gapClosed).some((share) => share !== null));
  return {
    title: `${boundaryKey}${closed ? ` ${gapKey}` : ''}`,
    columns: [
      { name: 'method' },
      ...places.flatMap((place) => [{ name: `${place}, mm` }, ...(closed ? [{ name: `${place}, closed` }] : [])]),
    ],
    rows: methods.map(({ label, boundaryBias, gapClosed }) => [
      label,
      ...places.flatMap((place) => [
        signedMm(boundaryBias[place].mean),
        ...(closed ? [percent(gapClosed[place] ?? undefined)] : []),
      ]),
    ]),
  };
}
