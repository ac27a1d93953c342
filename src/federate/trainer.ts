/**
 * What a site trains: the interface between the rounds and the owner of networks and images.
 *
 * Many sites of a simulation share one frozen network: nothing of a site may stay in it between turns. `load` puts
 * everything that is the site's own into it, `travelling` and `localState` take it out.
 */
import type { State } from '../nn/index.js';
import type { Correction } from './aggregation/index.js';
import type { Proximal } from './proximal.js';

/** What a site is asked to do in a round. */
export interface LocalRound {
  /** From 1. */
  round: number;
  rounds: number;
  /** Which of the tensors that `travelling` gives are trained in this round; the others keep their values. */
  trains(name: string): boolean;
  /** FedProx's term, where it is asked for. */
  proximal: Proximal | undefined;
}

/** What a trainer tells of its round: losses, scores. Finite numbers. */
export type Metrics = Record<string, number>;

/**
 * What a site trains: the owner of the network and the images implements it, and the rounds call it.
 *
 * @template Progress what training tells between its steps
 */
export interface LocalTrainer<Progress = unknown> {
  /** Fingerprint of the frozen network, which must be the coordinator's. */
  readonly base: string;
  /** Training slices and training cases, which may weigh the site's update. */
  readonly slices: number;
  readonly cases: number;

  /**
   * Takes the turn.
   *
   * @param tensors values for `travelling`'s names, to be copied; what is missing has its initial value
   * @param local what `localState` gave after the site's last round, to be copied; undefined before its first: fresh
   * moments, fresh counters
   */
  load(tensors: State, local: State | undefined): void;

  /**
   * Adds corrections to the frozen weights, once for each round: sites that share a network all hand over
   * the same ones. Only aggregations that `corrects` is set on need it.
   */
  correct?(round: number, corrections: readonly Correction[]): void;

  /**
   * Trains from what was loaded. Random numbers must come from streams named by site and round, so that a round that a
   * crash interrupted gives the same bits again.
   *
   * @param signal aborted when the result is no longer wanted: the generator may end early or throw
   * @throws GraftError where the site cannot train; the round goes on without it
   */
  train(round: LocalRound, signal: AbortSignal): AsyncGenerator<Progress, Metrics>;

  /** The network's own tensors that the plan sends, float32, always the same names. */
  travelling(): State;
  /** What the site's next round needs beside them: the optimiser's moments, counters, tensors that stay. */
  localState(): State;
}
