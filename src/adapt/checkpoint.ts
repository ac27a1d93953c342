/** Where a training loop stands, on disk: a killed run goes on from its last finished epoch to the same bits. */
import { existsSync, rmSync } from 'node:fs';
import { copyInto, readState, type State, writeState } from '../nn/index.js';
import { adaptError } from './errors.js';

export interface Progress {
  /** Epochs finished. */
  epoch: number;
  /** What the loop remembers beside tensors, as JSON. */
  memory: unknown;
}

export class Checkpoint {
  readonly #path: string;
  readonly #configuration: Record<string, unknown>;

  /** @param configuration everything that the result depends on: resuming under another one is refused */
  constructor(path: string, configuration: Record<string, unknown>) {
    this.#path = path;
    this.#configuration = configuration;
  }

  save(tensors: State, { epoch, memory }: Progress): void {
    const configuration = JSON.stringify(this.#configuration);
    writeState(this.#path, tensors, { configuration, epoch: String(epoch), memory: JSON.stringify(memory) });
  }

  /**
   * Copies the saved tensors into these and returns where the loop stood; undefined where nothing was saved.
   * @throws GraftError CHECKPOINT_OTHER_RUN
   */
  load(tensors: State): Progress | undefined {
    if (!existsSync(this.#path)) return undefined;
    const { state, metadata } = readState(this.#path);
    const saved = JSON.parse(metadata.configuration) as Record<string, unknown>;
    const changed = Object.keys({ ...saved, ...this.#configuration }).filter(
      (key) => JSON.stringify(saved[key]) !== JSON.stringify(this.#configuration[key]),
    );
    if (changed.length > 0) throw adaptError('CHECKPOINT_OTHER_RUN', { file: this.#path, changed: changed.join(', ') });
    copyInto(tensors, state);
    for (const value of state.values()) value.dispose();
    return { epoch: Number(metadata.epoch), memory: JSON.parse(metadata.memory) };
  }

  /** Once the result itself is saved. */
  remove(): void {
    rmSync(this.#path, { force: true });
  }
}

/** States under prefixes as one. */
export const joinStates = (parts: Record<string, State>): State =>
  new Map(
    Object.entries(parts).flatMap(([prefix, state]) =>
      [...state].map(([name, value]) => [`${prefix}/${name}`, value] as const),
    ),
  );
