/** What all training loops tell, and how they can fail. */
import { errorsOf, type Pause } from '../core/index.js';

/** Between events there may be pauses, in which nothing is to be told but the loop may be ended. */
export type TrainingEvent =
  | Pause
  | { kind: 'step'; task: string; epoch: number; done: number; total: number; loss: number }
  /** `epochs`: in all, where training does not stop early. */
  | { kind: 'epoch'; task: string; epoch: number; epochs: number; values: Record<string, number> };
export type StepEvent = Extract<TrainingEvent, { kind: 'step' }>;

export const trainingErrors = {
  TRAINING_DIVERGED: {
    exit: 'data',
    message: '{task}: the training loss became {loss} in epoch {epoch}.',
    hint: 'Lower the learning rate (lr), or check the intensities of the images and choose another scaling in the preprocessing; then start anew with another --out. Resumed with the same settings, it ends the same way.',
  },
  CHECKPOINT_OTHER_RUN: {
    exit: 'usage',
    message: '{file}: was written by a training with other settings; changed: {changed}.',
    hint: 'Resume with the values that the file has, or start anew: remove the file, or name another --out.',
  },
} as const;
export const trainingError = errorsOf(trainingErrors);
