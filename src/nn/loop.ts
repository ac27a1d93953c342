/**
 * The skeleton of every training loop: `trainingEpoch` takes the steps of one epoch, `trainingLoop` goes through all epochs
 * and saves where it stands. What a step computes, and what is looked at after an epoch, stays with each training.
 */
import { setImmediate } from 'node:timers/promises';
import { GraftError, type Pausing } from '../core/index.js';
import { keepFreedMemory, scope } from '../torch/index.js';
import { type Checkpoint, type Progress, start } from './checkpoint.js';
import type { Optimiser } from './optim.js';
import type { State } from './state.js';
import { type StepEvent, type TrainingEvent, trainingError } from './training.js';

/** A training, step by step; epochs and steps count from 0. */
export interface TrainingSteps<Batch> {
  /** Name of the training in events and errors. */
  task: string;
  /** Steps of an epoch. */
  steps: number;
  /** A batch for each step, the same at every call. */
  batches(epoch: number): Iterable<Batch>;
  /** Adds the gradients of a batch and returns its loss; runs in a scope. */
  gradients(batch: Batch, epoch: number, step: number): number;
  optimiser: Pick<Optimiser, 'step' | 'zeroGrad'>;
}

export interface TrainingCourse<Batch> extends TrainingSteps<Batch> {
  /** Where this is not a whole number, the last epoch is shorter. */
  epochs: number;
  /**
   * Runs after an epoch, before it is saved; ended at a pause, it runs again when training is resumed.
   * @returns values for the epoch's event beside the mean loss
   */
  look?(epoch: number): Pausing<Record<string, number>>;
  /** Whether training ends before the next epoch. */
  enough?(): boolean;
  checkpoint: Checkpoint | undefined;
  /** The checkpoint's tensors, and what it holds beside them, as JSON. */
  saved: State;
  memory?(): unknown;
  /** Where the loaded checkpoint stood. */
  from: Progress | undefined;
}

/**
 * Trains for one epoch. An event follows each step; the event loop has its turn between steps.
 * @param done steps taken before, which are passed over
 * @throws GraftError TRAINING_DIVERGED; the weights are those before the step
 */
export async function* trainingEpoch<Batch>(
  training: TrainingSteps<Batch>,
  epoch: number,
  done = 0,
): AsyncGenerator<StepEvent, void> {
  const { task, steps, optimiser } = training;
  using _ = keepFreedMemory();
  let step = 0;
  try {
    for (const batch of training.batches(epoch)) {
      if (step++ < done) continue;
      const loss = scope(() => training.gradients(batch, epoch, step - 1));
      if (!Number.isFinite(loss)) throw trainingError('TRAINING_DIVERGED', { task, loss, epoch: epoch + 1 });
      optimiser.step();
      optimiser.zeroGrad();
      yield { kind: 'step', task, epoch, done: step, total: steps, loss };
      await setImmediate();
    }
  } finally {
    optimiser.zeroGrad();
  }
}

/**
 * Trains for the epochs that are left. Saves after each of them, and in the middle of one that is ended early or fails.
 * @throws GraftError TRAINING_DIVERGED; the checkpoint stays that of the epoch before
 */
export async function* trainingLoop<Batch>(training: TrainingCourse<Batch>): AsyncGenerator<TrainingEvent, void> {
  const { task, epochs, steps, checkpoint, saved } = training;
  let at = training.from ?? start;
  // For the looks between epochs, too.
  using _ = keepFreedMemory();
  const save = () => checkpoint?.save(saved, at, training.memory?.() ?? null);
  try {
    while (at.epoch < epochs && !training.enough?.()) {
      const { epoch } = at;
      for await (const event of trainingEpoch(training, epoch, at.step)) {
        at = { epoch, step: event.done, sum: at.sum + event.loss };
        yield { ...event, done: epoch * steps + at.step, total: Math.round(epochs * steps) };
      }
      const values = { loss: at.sum / at.step, ...(training.look && (yield* training.look(epoch))) };
      at = { epoch: epoch + 1, step: 0, sum: 0 };
      save();
      yield { kind: 'epoch', task, epoch, epochs: Math.ceil(epochs), values };
    }
  } catch (error) {
    if (error instanceof GraftError && error.code === 'TRAINING_DIVERGED') at = start; // nothing to save
    throw error;
  } finally {
    if (at.step > 0) save();
  }
}
