/** What a federation tells while it runs. */
import type { Pause } from '../core/index.js';
import type { State } from '../nn/index.js';
import type { Entry } from './entries.js';
import type { SiteState } from './messages.js';
import type { Metrics } from './trainer.js';

export type CoordinatorEvent =
  /** What a site said and what came of it, as the ledger has it; bytes are measured. */
  | Extract<Entry, { site: string }>
  | Extract<Entry, { kind: 'noise' }>
  | { kind: 'round'; round: number; rounds: number; sites: string[] }
  /** Did not answer before the deadline. */
  | { kind: 'missing'; round: number; site: string }
  | ({ kind: 'aggregated' } & AggregatedRound)
  | ({ kind: 'finished'; rounds: number } & GlobalResult);

export interface GlobalResult {
  /** `fingerprint` of the global state. */
  fingerprint: string;
  /** What sites receive, without what is personal; the coordinator's own tensors, valid until the next event. */
  global: State;
}

export interface AggregatedRound extends GlobalResult {
  round: number;
  rounds: number;
  /** Shares of the sites whose updates are in it. */
  weights: Record<string, number>;
  /** ‖Σ wₖBₖAₖ − BA‖ / ‖Σ wₖBₖAₖ‖; undefined without pairs of factors. */
  error: number | undefined;
  /** What `evaluate` gave. */
  metrics: Metrics;
  /** Bytes to and from all sites in this round. */
  down: number;
  up: number;
}

export type SiteEvent<Progress> =
  /** The coordinator has said something new to the site; the hash is of the message. */
  | {
      kind: 'asked';
      site: string;
      task: 'open' | 'round' | 'done';
      federation: string;
      round?: number;
      /** How many there will be. */
      rounds?: number;
      hash: string;
      bytes: number;
    }
  /** What leaves the site next: a message of this hash, and an update of that one. Nothing leaves before the event was taken. */
  | {
      kind: 'sends';
      site: string;
      what: SiteState['kind'];
      round?: number;
      hash: string;
      update?: string;
      metrics?: Metrics;
      reason?: string;
      /** Of the message, and of the update. */
      bytes: number;
      /** What was fetched for the round, with its task. */
      down?: number;
    }
  | { kind: 'progress'; site: string; round: number; progress: Progress }
  | { kind: 'trained'; site: string; round: number; metrics: Metrics }
  /** The rounds were over before, and this site has what they led to: it waits for the coordinator to go on. */
  | { kind: 'over'; site: string; round: number }
  /** A message that the coordinator has not signed came first: perhaps the site was given another coordinator's key. */
  | { kind: 'ignored'; site: string; reason: string };

/** Among a federation's events are pauses, since much of it is waiting: in each of them it may be ended. */
export type FederationEvent<Progress = unknown> = CoordinatorEvent | SiteEvent<Progress> | Pause;
