/**
 * What the coordinator computes, apart from how it speaks with its sites: an interface, so that the computing can be done
 * in another thread while this one answers the network. Each call names the state that it goes from, as the ledger has
 * it; tensors of states and updates are in the folder of blobs.
 */
import type { State } from '../../nn/index.js';
import type { Agreement, Correction } from '../aggregation/index.js';
import type { StateRecord } from '../entries.js';
import type { Label } from '../global.js';
import type { BlobReference } from '../messages.js';

/** What a computation needs to know of the federation. It can be sent to another thread. */
export interface Setup {
  /** Folder of the blobs. */
  folder: string;
  label: Label;
}

/** An update as the transport brought it. */
export interface ReceivedUpdate {
  /** The global state that the site started from. */
  state: StateRecord;
  round: number;
  site: string;
  blob: BlobReference;
  bytes: Uint8Array;
}

/** A round whose updates were decided on. */
export interface ClosedRound {
  /** The global state before it. */
  state: StateRecord;
  round: number;
  /** Updates that were judged and kept, in the order in which they are added up; weights sum up to 1. */
  updates: { site: string; weight: number; blob: BlobReference }[];
}

export interface AggregatedState {
  /** The next global state, kept. */
  state: StateRecord;
  /** ‖Σ wₖBₖAₖ − BA‖ / ‖Σ wₖBₖAₖ‖; undefined without pairs of factors. */
  error: number | undefined;
  agreement: Agreement | undefined;
  /** What is added to frozen weights, before the wire rounds it. The caller owns the tensors. */
  corrections: readonly Correction[];
}

export interface Computation extends Disposable {
  /**
   * Judges an update and keeps the bytes of one that can be used.
   *
   * @returns the Frobenius norm of what the site changed
   * @throws GraftError PAYLOAD_INVALID
   */
  judge(update: ReceivedUpdate): Promise<number>;
  /**
   * Makes the next global state of the updates of a round, and keeps it.
   *
   * @throws GraftError BLOB_DAMAGED; AGGREGATE_INVALID where the updates together give no state, and nothing was kept
   */
  aggregate(round: ClosedRound): Promise<AggregatedState>;
  /** The tensors of a state: the computation's own, valid until it makes or is asked for another. @throws GraftError BLOB_DAMAGED */
  tensors(state: StateRecord): Promise<State>;
  /** Ends what is under way, which then throws `Interrupted`. Nothing is lost: what was kept is whole. */
  interrupt(): void;
}

/** A computation was interrupted. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor() {
    super('The computation was interrupted.');
  }
}
