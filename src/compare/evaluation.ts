/** The scores of one set of masks in a few numbers: every measure of every class, and the worst cases. */

import type { CaseScore } from '../metrics/index.js';
import { type Description, describeValues } from '../metrics/index.js';
import { averaged } from './entry.js';
import { type MeasureName, measureNames, type NamedValue, worstOf } from './measures.js';

/** The measures, and on which side of the reference masks end, over the cases in which neither mask is empty. */
type Described = Record<MeasureName | 'boundaryBias', Description>;

export interface Evaluation {
  /** Over cases, by class and measure. */
  classes: Record<string, Described>;
  /** By Dice, means over the classes. */
  worst: NamedValue[];
}

/** @param scores of different cases */
export function summariseScores(
  scores: readonly Pick<CaseScore, 'name' | 'classes'>[],
  classes: readonly string[],
): Evaluation {
  const byCase = (measure: MeasureName, only?: string) => averaged(scores, measure, ({ name }) => name, only);
  const ofClass = (name: string) =>
    Object.fromEntries([
      ...measureNames.map((measure) => [measure, describeValues([...byCase(measure, name).values()])]),
      ['boundaryBias', describeValues(scores.flatMap((one) => one.classes[name].boundaryBias ?? []))],
    ]) as Described;
  return {
    classes: Object.fromEntries(classes.map((name) => [name, ofClass(name)])),
    worst: worstOf(byCase('dice'), 'dice'),
  };
}
