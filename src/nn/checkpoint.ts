/**
 * Where a training loop stands, on disk. A loop saves after every epoch, and in the middle of one when it is ended early
 * (Ctrl-C); random streams are named by epoch and step, so it goes on to the same bits.
 */
import { existsSync, rmSync } from 'node:fs';
import { changesBetween, tellChanges } from '../core/index.js';
import { checkSafetensors } from '../formats/index.js';
import { copyInto, disposeState, type State } from './state.js';
import { readState, writeState } from './state-file.js';
import { trainingError } from './training.js';

export interface Progress {
  /** Epochs finished. */
  epoch: number;
  /** Steps finished in the epoch under way, and the sum of their losses. */
  step: number;
  sum: number;
}

/**
 * Where a training loop stands, in a file: `adapt`, `finetune` and the trainings save to it and go on from it to the same
 * bits. A file that was written under another configuration is refused.
 */
export class Checkpoint {
  readonly #path: string;
  readonly #configuration: Record<string, unknown>;
  readonly #grows: readonly string[];
  readonly #later: readonly string[];

  /**
   * @param configuration everything that the result depends on: resuming under another one is refused
   * @param options.grows keys of numbers that may be larger than they were: a finished training goes on
   * @param options.later keys that earlier versions did not write: a file without them is taken for the same
   */
  constructor(
    path: string,
    configuration: Record<string, unknown>,
    { grows = [], later = [] }: { grows?: readonly string[]; later?: readonly string[] } = {},
  ) {
    this.#path = path;
    this.#configuration = configuration;
    this.#grows = grows;
    this.#later = later;
  }

  /** @param memory what the loop remembers beside tensors, as JSON */
  save(tensors: State, progress: Progress, memory: unknown): void {
    const configuration = JSON.stringify(this.#configuration);
    const metadata = { configuration, progress: JSON.stringify(progress), memory: JSON.stringify(memory) };
    writeState(this.#path, tensors, metadata);
  }

  /** Removes the file where it is not what was saved, so that the loop begins anew; gives whether it was there. */
  removeDamaged(): boolean {
    if (!existsSync(this.#path) || checkSafetensors(this.#path) !== 'damaged') return false;
    rmSync(this.#path);
    return true;
  }

  /**
   * Copies the saved tensors into these and returns where the loop stood; undefined where nothing was saved.
   * @throws GraftError CHECKPOINT_OTHER_RUN, and what reading a damaged file throws
   */
  load(tensors: State): { at: Progress; memory: unknown } | undefined {
    if (!existsSync(this.#path)) return undefined;
    const { state, metadata } = readState(this.#path);
    const saved = JSON.parse(metadata.configuration) as Record<string, unknown>;
    const now = JSON.parse(JSON.stringify(this.#configuration)) as Record<string, unknown>;
    const changes = changesBetween(saved, now).filter(
      ({ key, before, now }) =>
        !(this.#grows.includes(key) && Number(now) > Number(before)) &&
        !(this.#later.includes(key) && before === undefined),
    );
    if (changes.length > 0)
      throw trainingError('CHECKPOINT_OTHER_RUN', { file: this.#path, changed: tellChanges(changes, 'the file') });
    copyInto(tensors, state);
    disposeState(state);
    return { at: JSON.parse(metadata.progress), memory: JSON.parse(metadata.memory) };
  }
}

export const start: Progress = { epoch: 0, step: 0, sum: 0 };
