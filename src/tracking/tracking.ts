/**
 * Passes a run's numbers on to the trackers that its recipe names, while it runs. A tracker that fails costs one warning
 * and nothing else: the run, its folder and its results are the same with it and without it.
 */
import { forward, type ProgressEvent } from '../core/index.js';
import { Mlflow } from './mlflow.js';
import type { TrackingConfig } from './schema.js';
import { TensorBoard } from './tensorboard.js';
import type { TrackedRun } from './tracked-run.js';
import type { Outcome, Tracker } from './tracker.js';

export class Tracking {
  readonly #trackers: Tracker[];
  readonly #warned = new Set<Tracker>();
  readonly #warnings: string[] = [];
  #finished = false;

  /** @param recipe as resolved */
  constructor(folder: TrackedRun, recipe: { tracking: TrackingConfig }) {
    const { tensorboard, mlflow } = recipe.tracking;
    this.#trackers = [
      ...(tensorboard === false ? [] : [new TensorBoard(folder, tensorboard === true ? undefined : tensorboard)]),
      ...(mlflow ? [new Mlflow(folder, mlflow, recipe)] : []),
    ];
  }

  /** The run's events, with warnings as notes among them. While they come, the trackers get what the log gains. */
  async *follow<Result>(events: AsyncGenerator<ProgressEvent, Result>): AsyncGenerator<ProgressEvent, Result> {
    let how: 'failed' | 'interrupted' = 'interrupted';
    try {
      const result = yield* forward(events, (event) => {
        // Nobody waits for a server: the next event asks again for what is new by then.
        for (const tracker of this.#trackers) void this.#try(tracker, () => tracker.update());
        return [...this.#notes(), event];
      });
      yield* this.#notes();
      return result;
    } catch (error) {
      how = 'failed';
      throw error;
    } finally {
      if (!this.#finished)
        await Promise.all(this.#trackers.map((tracker) => this.#try(tracker, () => tracker.abandon(how))));
    }
  }

  /** The warnings that were not told yet. */
  #notes(): ProgressEvent[] {
    return this.#warnings.splice(0).map((text) => ({ kind: 'note', text }));
  }

  /** @param outcome made only where somebody takes it */
  async finish(outcome: () => Outcome): Promise<void> {
    this.#finished = true;
    if (this.#trackers.length === 0) return;
    const made = outcome();
    await Promise.all(this.#trackers.map((tracker) => this.#try(tracker, () => tracker.finish(made))));
  }

  async #try(tracker: Tracker, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (this.#warned.has(tracker)) return;
      this.#warned.add(tracker);
      this.#warnings.push(
        `${tracker.name} did not take everything (${reasonOf(error)}); the run does not need it. Running it again with --resume sends what is missing.`,
      );
    }
  }
}

/** Of a failed connection the reason lies beneath. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: beneath } = (cause ?? {}) as NodeJS.ErrnoException;
  return code || beneath || message || String(error);
}
