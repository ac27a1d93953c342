/** All measures of a segmentation with several classes, one class after another: what tables and reports show. */
import { type Pausing, pause, runWithoutPauses } from '../core/index.js';
import { assertShape, assertSpacing } from './errors.js';
import { dice, volumeDifference } from './overlap.js';
import { surfaceDistancesWithPauses } from './surface-distances.js';
import { averageSurfaceDistance, robustHausdorff, surfaceDice } from './surface-measures.js';

export interface EvaluationOptions {
  /** [z, y, x] */
  shape: readonly [number, number, number];
  /** [z, y, x] in mm */
  spacing: readonly [number, number, number];
  /** The labels to measure; others, such as the background, are not. */
  classes: readonly number[];
  /** For surface Dice, in mm. */
  toleranceMm: number;
}

/** Class absent from both: Dice and surface Dice 1, distances 0. From one of them: Dice 0, distances Infinity. */
export interface ClassMeasures {
  dice: number;
  surfaceDice: number;
  /** mm */
  hausdorff95: number;
  /** mm, over both surfaces together */
  averageSurfaceDistance: number;
  /** Prediction minus truth. */
  volumeDifferenceMl: number;
  truthMl: number;
  predictionMl: number;
  /** Mean signed distance of the predicted surface, mm: positive outside the true mask; NaN when one of them is empty. */
  boundaryBias: number;
}

/**
 * Measures every class of a label map against the truth.
 *
 * @param truth uint8 [z, y, x] labels
 * @param prediction uint8 [z, y, x] labels
 * @returns one entry for each class; Infinity is not JSON, so who writes the numbers decides how to write it
 * @throws GraftError MASK_SHAPE_MISMATCH, SPACING_INVALID
 */
export const evaluateLabels = (
  truth: Uint8Array,
  prediction: Uint8Array,
  options: EvaluationOptions,
): Record<number, ClassMeasures> => runWithoutPauses(evaluateLabelsWithPauses(truth, prediction, options));

/** `evaluateLabels` as work that can be interrupted. */
export function* evaluateLabelsWithPauses(
  truth: Uint8Array,
  prediction: Uint8Array,
  { shape, spacing, classes, toleranceMm }: EvaluationOptions,
): Pausing<Record<number, ClassMeasures>> {
  assertShape(truth, 'reference mask', shape);
  assertShape(prediction, 'prediction', shape);
  assertSpacing(spacing);
  const measures: Record<number, ClassMeasures> = {};
  for (const label of classes) {
    const inTruth = maskOf(truth, label);
    yield pause;
    const inPrediction = maskOf(prediction, label);
    yield pause;
    const distances = yield* surfaceDistancesWithPauses(inTruth, inPrediction, shape, spacing);
    const volumes = volumeDifference(inTruth, inPrediction, spacing);
    yield pause;
    measures[label] = {
      dice: dice(inTruth, inPrediction),
      surfaceDice: surfaceDice(distances, toleranceMm),
      hausdorff95: robustHausdorff(distances, 95),
      averageSurfaceDistance: averageSurfaceDistance(distances).symmetric,
      volumeDifferenceMl: volumes.differenceMl,
      truthMl: volumes.truthMl,
      predictionMl: volumes.predictionMl,
      boundaryBias: distances.boundaryBias,
    };
  }
  return measures;
}

function maskOf(labels: Uint8Array, label: number): Uint8Array {
  const mask = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) mask[i] = labels[i] === label ? 1 : 0;
  return mask;
}
