/** The coordinator's computation in the thread that asks for it, which is blocked meanwhile. */
import { disposeState, type State } from '../../nn/index.js';
import { OperatorError, releaseMemory } from '../../torch/index.js';
import { aggregations, type Combine, median, trimmedMean, WatchedUpdates, weightedMean } from '../aggregation/index.js';
import { Blobs, hashOf } from '../blobs.js';
import { stateOf } from '../corrections.js';
import type { StateRecord } from '../entries.js';
import { federateError } from '../errors.js';
import { GlobalState, type Label } from '../global.js';
import { allFinite } from '../state-bytes.js';
import { judgeUpdate, updateOpener } from '../update.js';
import type { AggregatedState, ClosedRound, Computation, ReceivedUpdate, Setup } from './computation.js';

export const inProcess = (setup: Setup): Computation => new InProcess(setup);

class InProcess implements Computation {
  readonly #label: Label;
  readonly #blobs: Blobs;
  /** The state that was asked for last, so that not every call reads it again. */
  #held: { record: string; global: GlobalState } | undefined;

  constructor({ folder, label }: Setup) {
    this.#label = label;
    this.#blobs = new Blobs(folder);
  }

  async judge({ state, round, site, blob, bytes }: ReceivedUpdate): Promise<number> {
    const hash = hashOf([bytes]);
    if (hash !== blob.hash)
      throw federateError('PAYLOAD_INVALID', { from: site, reason: 'they were changed on their way' });
    const norm = judgeUpdate(bytes, this.#label, this.#expected(state, round, site));
    this.#blobs.put([bytes], blob.length, hash);
    releaseMemory(); // the next one takes as much
    return norm;
  }

  async aggregate({ state, round, updates }: ClosedRound): Promise<AggregatedState> {
    const { config } = this.#label;
    const combine: Combine = { none: weightedMean, median, 'trimmed-mean': trimmedMean(config.trim) }[config.robust];
    const open = updateOpener(this.#blobs, this.#label);
    const contributions = updates.map(({ site, weight, blob }) => ({
      ...{ site, weight },
      read: open(blob, this.#expected(state, round, site)),
    }));
    const before = this.#at(state);
    const { gauge, seed, trim: hostile, aggregation } = config;
    const sent = { contributions, global: before.tensors, names: this.#sentNames(before, round) };
    using watched = new WatchedUpdates(sent);
    const aggregated = computed(round, () =>
      aggregations[aggregation].aggregate({
        ...{ ...sent, contributions: watched.contributions },
        ...{ combine, gauge, round, seed, hostile },
      }),
    );
    const { error, corrections = [] } = aggregated;
    const agreement = watched.agreement();
    const next = before.next(aggregated);
    const spoiled = next.spoiled ?? [...stateOf(corrections)].find(([, value]) => !allFinite(value))?.[0];
    if (spoiled !== undefined) {
      next.dispose();
      disposeState(stateOf(corrections));
      throw federateError('AGGREGATE_INVALID', { round, reason: `${spoiled} would hold numbers that are not finite` });
    }
    releaseMemory();
    const record = next.keep(this.#blobs, round, corrections);
    this.#hold(record, next);
    releaseMemory();
    return { state: record, error, agreement, corrections };
  }

  async tensors(state: StateRecord): Promise<State> {
    return this.#at(state).tensors;
  }

  /** Nothing is under way when someone else has a turn. */
  interrupt(): void {}

  [Symbol.dispose](): void {
    this.#held?.global.dispose();
    this.#held = undefined;
  }

  #at(state: StateRecord): GlobalState {
    if (this.#held?.record !== JSON.stringify(state))
      this.#hold(state, GlobalState.restore(this.#label, this.#blobs, state));
    return this.#held!.global;
  }

  #hold(record: StateRecord, global: GlobalState): void {
    this.#held?.global.dispose();
    this.#held = { record: JSON.stringify(record), global };
  }

  /** Names that sites send in a round, sorted. */
  #sentNames({ tensors }: GlobalState, round: number): string[] {
    const { trains } = aggregations[this.#label.config.aggregation];
    return [...tensors.keys()].filter((name) => trains(name, round)).sort();
  }

  #expected(state: StateRecord, round: number, site: string) {
    const global = this.#at(state);
    return { round, site, names: this.#sentNames(global, round), global: global.tensors };
  }
}

/** What libtorch refuses to compute, such as the eigenvalues of a matrix that overflowed, is the fault of the updates. */
function computed<T>(round: number, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    throw federateError('AGGREGATE_INVALID', { round, reason: error.message }, error);
  }
}
