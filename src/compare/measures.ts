/** The measures that methods are compared by: their names, units, and which way is better. */
import type { CaseScore } from '../metrics/index.js';

export interface Measure {
  /** With its unit. */
  title: string;
  digits: number;
  better: 'higher' | 'lower';
}

export const measures = {
  dice: { title: 'Dice', digits: 3, better: 'higher' },
  surfaceDice: { title: 'surface Dice', digits: 3, better: 'higher' },
  hausdorff95: { title: '95 % Hausdorff distance (mm)', digits: 2, better: 'lower' },
  averageSurfaceDistance: { title: 'average surface distance (mm)', digits: 2, better: 'lower' },
  // Too much and too little are equally wrong, and would cancel out in a mean.
  volumeDifferenceMl: { title: 'volume difference, absolute (ml)', digits: 2, better: 'lower' },
} as const satisfies Record<string, Measure>;
export type MeasureName = keyof typeof measures;
export const measureNames = Object.keys(measures) as [MeasureName, ...MeasureName[]];

/** A measure of one class of one case; Infinity for a distance where one of the masks is empty. */
export function measured(scores: CaseScore['classes'][string], measure: MeasureName): number {
  const value = scores[measure] ?? Number.POSITIVE_INFINITY;
  return measure === 'volumeDifferenceMl' ? Math.abs(value) : value;
}

/** The title with what it depends on. */
export const titleOf = (measure: MeasureName, toleranceMm: number): string =>
  measure === 'surfaceDice' ? `surface Dice at ${toleranceMm} mm` : measures[measure].title;

/** A case and its value. */
export interface NamedValue {
  name: string;
  value: number;
}

/** The three worst values, the worst first. */
export function worstOf(values: ReadonlyMap<string, number>, measure: MeasureName): NamedValue[] {
  const sign = measures[measure].better === 'higher' ? 1 : -1;
  return [...values]
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.value === b.value ? 0 : sign * (a.value - b.value)))
    .slice(0, 3);
}
