/** What can be wrong with a method and the model that it is to adapt. */
import { errorsOf } from '../core/index.js';

export const adaptErrors = {
  METHOD_UNSUITED: {
    exit: 'usage',
    message: '{family} has no method {method} without labels; its methods: {methods}.',
    hint: 'Choose another method, or another model. With labels, "graft train" trains a part of any model.',
  },
  BLOCKS_UNKNOWN: {
    exit: 'usage',
    message: 'The network has no blocks called {blocks}.',
    hint: 'Its blocks are {known}.',
  },
  HEAD_MISSING: {
    exit: 'model',
    message: 'The method {method} needs an early head at {block} or deeper; the model has {heads}.',
    hint: 'Train the model with "graft train", which trains the heads too; checkpoints of the reference code come without.',
  },
  METHOD_OPTIONS: {
    exit: 'usage',
    message: 'The method {method} has no use for {options}: {reason}.',
    hint: 'Leave {options} out, or choose a method that has a use for it; docs/methods.md says what each trains.',
  },
  BLOCKS_UNREACHED: {
    exit: 'usage',
    message: 'The loss of {method} does not reach {blocks}: fixed pseudo-labels let it flow through the encoder alone.',
    hint: 'Name encoder blocks ({encoder}), or set detach to false.',
  },
} as const;
export const adaptError = errorsOf(adaptErrors);
