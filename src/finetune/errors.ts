/** What can be wrong with the cases, files and prompts that fine-tuning is given. */
import { errorsOf } from '../core/index.js';

export const finetuneErrors = {
  TRAINING_EMPTY: {
    exit: 'data',
    message: '{name}: there is no case to train on.',
    hint: 'Check the data set and its split: every site needs at least one labelled case in its training part.',
  },
  CASE_UNLABELLED: {
    exit: 'data',
    message: '{image}: has no label, so it cannot be trained on.',
    hint: 'Add the label, or leave the case out.',
  },
} as const;
export const finetuneError = errorsOf(finetuneErrors);
