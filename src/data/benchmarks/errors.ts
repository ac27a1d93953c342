/** What can be wrong with a benchmark set. */
import { errorsOf } from '../../core/index.js';

export const benchmarkErrors = {
  BENCHMARK_MISSING: {
    exit: 'data',
    message: '{case}: missing {what}, expected as {file}.',
    hint: '"graft data check" lists all that is missing, and where the set is to be had.',
  },
  BENCHMARK_COUNT: {
    exit: 'data',
    message: '{folder}: expected {expected} cases, found {found}.',
    hint: 'Unpack the set again; "graft data check" says where it is to be had.',
  },
  BENCHMARK_UNEXPECTED: {
    exit: 'data',
    message: '{file}: {reason}.',
    hint: 'The set is used as it was published: move what does not belong to it out of its folders.',
  },
  BENCHMARK_FAULTS: {
    exit: 'data',
    message: '{root}: not the whole of {benchmark}: {count} faults, of which the first is: {first}',
    hint: 'See all of them with: graft data check {benchmark} --root {root}',
  },
} as const;
export const benchmarkError = errorsOf(benchmarkErrors);
