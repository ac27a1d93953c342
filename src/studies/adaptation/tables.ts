/** The table of an adaptation: methods by target. */
import type { SummaryTable } from '../findings.js';
import { overSeeds } from '../spread.js';
import type { Summary } from './summary.js';

export function tablesOf(summary: Summary): SummaryTable[] {
  const { methods, toleranceMm, seeds } = summary;
  // The targets, and their mean.
  const places = Object.keys(methods[0].surfaceDice);
  const runs = seeds.length * (places.length - 1);
  const best = (name: string) => ({ name, best: true });
  return [
    {
      title: `Surface Dice at ${toleranceMm} mm on unseen patients, ${overSeeds(summary)}:`,
      columns: [
        { name: 'method' },
        ...[...places, 'Dice'].map(best),
        ...[{ name: 'trained', as: 'count' as const }, { name: 'adapter' }, { name: 'guarded' }],
      ],
      rows: methods.map(({ label, surfaceDice, dice, trainedParameters, adapterBytes, guarded }) => [
        label,
        ...places.map((place) => surfaceDice[place].mean),
        dice.mean.mean,
        trainedParameters,
        adapterBytes === null ? undefined : `${(adapterBytes / 1000).toFixed(0)} kB`,
        guarded.length > 0 ? `${guarded.length} of ${runs}` : undefined,
      ]),
    },
  ];
}
