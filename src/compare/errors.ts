/** What can be wrong with runs that are to be compared. */
import { errorsOf } from '../core/index.js';

export const compareErrors = {
  COMPARE_CLASSES: {
    exit: 'usage',
    message: '{other}: segments {found}, but {first} segments {expected}.',
    hint: 'Compare runs that segment the same classes.',
  },
  COMPARE_TOLERANCE: {
    exit: 'usage',
    message: 'The surface Dice of {other} was taken at {found} mm, that of {first} at {expected} mm.',
    hint: 'Run one of them again with the toleranceMm of the other, or compare another measure with --measure.',
  },
  COMPARE_EXTENT: {
    exit: 'usage',
    message: 'Of {other} {found} were scored, of {first} {expected}.',
    hint: 'Run one of them again with `scored` as the other has it.',
  },
  COMPARE_UNKNOWN: {
    exit: 'usage',
    message: '{name} is not among what is compared{suggestion}',
    hint: 'There are {names}.',
  },
} as const;
export const compareError = errorsOf(compareErrors);
