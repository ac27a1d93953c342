/**
 * How a round ends: the coordinator decides whose updates count, and makes the next global state of them. Both are recorded,
 * the decision before the state is computed.
 */
import { GraftError } from '../core/index.js';
import { disposeState, type State } from '../nn/index.js';
import type { Correction } from './aggregation/index.js';
import type { Blobs } from './blobs.js';
import type { Book, OpenRound } from './book.js';
import type { Computation } from './computation/index.js';
import type { Federation } from './config.js';
import { stateOf } from './corrections.js';
import { farthest, refusals, tooFew } from './decision.js';
import type { Entry } from './entries.js';
import type { CoordinatorEvent } from './events.js';
import { sharesOf } from './shares.js';
import type { Metrics } from './trainer.js';

/**
 * Scores a global state; the numbers are recorded.
 *
 * @param corrections what the round adds to frozen weights, before the wire rounds it
 */
export type Evaluate = (global: State, round: number, corrections: readonly Correction[]) => Promise<Metrics>;

/** What a round is closed with. */
export interface Closing {
  config: Federation;
  book: Book;
  blobs: Blobs;
  computation: Computation;
  /** Puts an entry into the ledger and the book. */
  record(entry: Entry): void;
  evaluate: Evaluate | undefined;
}

/**
 * Decides on a round and aggregates it. If the updates give no usable state, the one that is farthest from the global state
 * is refused, and the others decide.
 *
 * @throws GraftError TOO_FEW_SITES, WEIGHTS_INVALID
 */
export async function* closeRound(open: OpenRound, closing: Closing): AsyncGenerator<CoordinatorEvent> {
  for (;;) {
    if (!open.weights) yield* decide(open, closing);
    try {
      yield await aggregate(open, closing);
      return;
    } catch (error) {
      if (!(error instanceof GraftError) || error.code !== 'AGGREGATE_INVALID') throw error;
      yield* refuse(open.round, farthest(open), `with it the round gives no state: ${error.message}`, closing);
    }
  }
}

function* refuse(round: number, site: string, reason: string, { record }: Closing): Generator<CoordinatorEvent> {
  const entry: CoordinatorEvent = { kind: 'refused', round, site, reason, down: 0, up: 0 };
  record(entry);
  yield entry;
}

/** Decides whose updates make the next state, and records it. */
function* decide(open: OpenRound, closing: Closing): Generator<CoordinatorEvent> {
  const { config, book, record } = closing;
  const { round } = open;
  for (const [site, reason] of refusals(open, book, config)) yield* refuse(round, site, reason, closing);
  const missing = [...open.missing].sort();
  for (const site of missing) yield { kind: 'missing', round, site };
  const found = open.accepted.size;
  if (found < Math.max(1, config.minSites)) {
    const leftOut = [...book.behind].map(
      (site) => [site, 'left out, since its folder is older than what it sent'] as const,
    );
    const reasons = new Map([...leftOut, ...open.out, ...missing.map((site) => [site, 'no answer in time'] as const)]);
    record({ kind: 'stalled', round, found, minimum: config.minSites });
    throw tooFew(round, found, config.minSites, reasons);
  }
  const weights = sharesOf([...open.accepted.keys()], book.registered, config);
  record({ kind: 'closed', round, weights, missing });
}

/** Makes the next global state of the updates that were decided on. @throws GraftError AGGREGATE_INVALID */
async function aggregate(
  { round, weights, accepted, down, up }: OpenRound,
  { config, book, blobs, computation, record, evaluate }: Closing,
): Promise<CoordinatorEvent> {
  const updates = Object.entries(weights!).map(([site, weight]) => ({ site, weight, blob: accepted.get(site)!.blob }));
  const { state, error, agreement, corrections } = await computation.aggregate({ state: book.state!, round, updates });
  const global = await computation.tensors(state);
  const metrics = (await evaluate?.(global, round, corrections)) ?? {};
  record({ kind: 'aggregated', round, error, metrics, state, agreement });
  disposeState(stateOf(corrections));
  blobs.keepOnly(book.blobs);
  return {
    ...{ kind: 'aggregated', round, rounds: config.rounds, weights: weights!, error, metrics, down, up },
    ...{ fingerprint: state.fingerprint, global },
  };
}
