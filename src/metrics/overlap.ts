/**
 * Overlap and volume of two binary masks: Dice (1945), Sørensen (1948), and the volume difference in millilitres.
 *
 * Soft (probabilistic) overlap is a loss and not here.
 */
import { assertSameVoxels, assertSpacing } from './errors.js';
import { countOf, insideOf, wordsOf } from './words.js';

/**
 * Dice coefficient 2|T ∩ P| / (|T| + |P|).
 *
 * @param truth uint8 mask of any shape, non-zero = inside
 * @param prediction uint8 mask of the same shape
 * @returns in [0, 1]; 1 when both masks are empty (nothing was there and nothing was claimed)
 * @throws GraftError MASK_SHAPE_MISMATCH
 */
export function dice(truth: Uint8Array, prediction: Uint8Array): number {
  assertSameVoxels(truth, prediction);
  let both = 0;
  let sum = 0;
  const [words, others] = [wordsOf(truth), wordsOf(prediction)];
  for (let i = 0; i < words.length; i++) {
    if ((words[i]! | others[i]!) === 0) continue;
    const [inTruth, inPrediction] = [insideOf(words[i]!), insideOf(others[i]!)];
    both += countOf(inTruth & inPrediction);
    sum += countOf(inTruth + inPrediction);
  }
  return sum === 0 ? 1 : (2 * both) / sum;
}

export interface VolumeDifference {
  truthMl: number;
  predictionMl: number;
  /** Prediction minus truth: positive when too much was segmented. */
  differenceMl: number;
  /** The difference as a fraction of the truth; 0 when both are empty, Infinity when only the truth is. */
  relative: number;
}

/**
 * Volumes of two masks and their signed difference.
 *
 * @param truth uint8 mask, non-zero = inside
 * @param prediction uint8 mask of the same shape
 * @param spacing [z, y, x] in mm
 * @throws GraftError MASK_SHAPE_MISMATCH, SPACING_INVALID
 */
export function volumeDifference(
  truth: Uint8Array,
  prediction: Uint8Array,
  spacing: readonly [number, number, number],
): VolumeDifference {
  assertSameVoxels(truth, prediction);
  assertSpacing(spacing);
  const voxelMl = (spacing[0] * spacing[1] * spacing[2]) / 1000;
  const inTruth = countInside(truth);
  const inPrediction = countInside(prediction);
  const difference = inPrediction - inTruth;
  return {
    truthMl: inTruth * voxelMl,
    predictionMl: inPrediction * voxelMl,
    differenceMl: difference * voxelMl,
    relative: difference === 0 ? 0 : difference / inTruth,
  };
}

function countInside(mask: Uint8Array): number {
  const words = wordsOf(mask);
  let count = 0;
  for (let i = 0; i < words.length; i++) count += countOf(insideOf(words[i]!));
  return count;
}
