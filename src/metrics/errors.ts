/** Mistakes in what is given to a measure or a test. */
import { errorsOf } from '../core/index.js';

export const metricErrors = {
  MASK_SHAPE_MISMATCH: {
    exit: 'data',
    message: 'The {mask} has {found} voxels, but {expected} were expected ({from}).',
    hint: 'Compare masks on the same grid: resample the prediction to the grid of the reference before measuring.',
  },
  SPACING_INVALID: {
    exit: 'data',
    message: 'The voxel spacing is [{found}]; three positive numbers [z, y, x] in mm were expected.',
    hint: 'Check the spacing in the header of the reference mask.',
  },
  SAMPLES_UNPAIRED: {
    exit: 'data',
    message: 'A paired test got {first} and {second} values; as many numbers of each were expected, none of them NaN.',
    hint: 'Give both methods’ values of the same cases in the same order.',
  },
} as const;
export const metricError = errorsOf(metricErrors);

/** @throws GraftError MASK_SHAPE_MISMATCH unless both masks have the same number of voxels */
export function assertSameVoxels(truth: Uint8Array, prediction: Uint8Array): void {
  if (truth.length !== prediction.length)
    throw metricError('MASK_SHAPE_MISMATCH', {
      mask: 'prediction',
      found: prediction.length,
      expected: truth.length,
      from: 'as the reference mask has',
    });
}

/** @throws GraftError MASK_SHAPE_MISMATCH unless the mask fills the grid */
export function assertShape(mask: Uint8Array, name: string, shape: readonly number[]): void {
  const expected = shape.reduce((product, size) => product * size, 1);
  if (mask.length !== expected)
    throw metricError('MASK_SHAPE_MISMATCH', {
      mask: name,
      found: mask.length,
      expected,
      from: `shape [${shape.join(', ')}]`,
    });
}

/** @throws GraftError SPACING_INVALID unless the spacing is three positive finite numbers */
export function assertSpacing(spacing: readonly number[]): void {
  if (spacing.length !== 3 || !spacing.every((size) => Number.isFinite(size) && size > 0))
    throw metricError('SPACING_INVALID', { found: spacing.join(', ') });
}
