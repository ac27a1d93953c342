/**
 * The interface of an aggregation: what sites train and keep, and how their tensors become one. The parts that several
 * share are here too. Names that are no low-rank factors are averaged by all of them.
 */
import type { State } from '../../nn/index.js';
import { releaseMemory, scope, type Tensor } from '../../torch/index.js';
import type { Combine } from './combine.js';
import type { Gauge } from './gauge.js';
import { type Pair, pairsOf } from './pairs.js';
import { normsOf, type Term } from './product.js';

/** What one site sent. */
export interface Contribution {
  site: string;
  /** Its share; the shares of a round sum up to 1. */
  weight: number;
  /**
   * A tensor of the update, float32 and new; undefined where the site did not send it in this round. It is read from the
   * disk each time: an aggregation holds no more of the updates than it works on.
   */
  read(name: string): Tensor | undefined;
}

export interface AggregationInput {
  /** In a fixed order, so that sums are repeatable; at least one. */
  contributions: readonly Contribution[];
  /** What the sites started from; factors that did not travel are taken from here. */
  global: State;
  /** Names that the sites sent, sorted. */
  names: readonly string[];
  combine: Combine;
  gauge: Gauge;
  /** Counts from 1; with the federation's seed it names the random numbers of `flora`. */
  round: number;
  seed: number;
  /** `krum`: share of the sites that may be hostile. */
  hostile: number;
}

/** What has to be added to the frozen weight of an adapted layer, as its update: b·a, times the adapter's scale. */
export interface Correction extends Pair {
  /** float32 [out, k] and [k, in]. */
  factors: { b: Tensor; a: Tensor };
}

export interface Aggregated {
  /** The new global tensors by name, float32; names that are missing stay as they were. */
  tensors: State;
  /** What the sites add to their frozen weights, where the aggregation `corrects`. */
  corrections?: Correction[];
  /**
   * ‖Σ wₖBₖAₖ − BA‖ / ‖Σ wₖBₖAₖ‖ over all pairs together, Frobenius norms; undefined where the coordinator does not see
   * both factors.
   */
  error: number | undefined;
}

/**
 * How the sites' tensors become one: what they train and send in a round, and how their updates are combined. A federation
 * names one of `aggregations`.
 */
export interface Aggregation {
  /** Stays at the site it belongs to, for good. */
  personal(name: string): boolean;
  /** Is trained in this round, and sent unless it is personal. Rounds count from 1. */
  trains(name: string, round: number): boolean;
  /** Whether it changes the frozen weights at the sites; then a layer needs one plain LoRA. */
  readonly corrects?: true;
  /** Tensors that it makes belong to the caller. */
  aggregate(input: AggregationInput): Aggregated;
}

/**
 * What is made of one tensor or one pair, whose tensors alone outlive it. What the work on it took goes back to the system:
 * the gaps that it leaves between the tensors made so far would add up to more than these.
 */
export function made<Result>(body: () => Result): Result {
  const result = scope(body);
  releaseMemory();
  return result;
}

/** Every name combined by itself. */
export function combined({ contributions, combine }: AggregationInput, names: readonly string[]): State {
  const weights = contributions.map(({ weight }) => weight);
  return new Map(
    names.map((name) => [name, made(() => combine((site) => contributions[site].read(name)!, weights)).keep()]),
  );
}

/** Every name that belongs to none of the pairs, combined by itself. */
export function combinedBeside(input: AggregationInput, pairs: readonly Pair[]): State {
  const factors = new Set(pairs.flatMap(({ a, b }) => [a, b]));
  return combined(
    input,
    input.names.filter((name) => !factors.has(name)),
  );
}

/** The factors of a pair from every site, with the last global ones for those that did not travel. */
export const termsOf = ({ contributions, global }: AggregationInput, { a, b }: Pair): Term[] =>
  contributions.map(({ weight, read }) => ({
    weight,
    rank: global.get(a)!.shape[0],
    read: () => ({ a: read(a) ?? global.get(a)!, b: read(b) ?? global.get(b)! }),
  }));

/** Adds up errors of pairs. */
export class ErrorSum {
  #error = 0;
  #norm = 0;
  #count = 0;
  /** @param error of one pair @param norm of its wanted product */
  add(error: number, norm: number): void {
    this.#error += error ** 2;
    this.#norm += norm ** 2;
    this.#count++;
  }
  /** undefined without pairs, 0 where all products are 0. */
  get relative(): number | undefined {
    if (this.#count === 0) return undefined;
    return this.#norm === 0 ? 0 : Math.sqrt(this.#error / this.#norm);
  }
}

/** Adds the error of one pair, whose new factors are among the tensors unless they stayed as they were. */
export function addError(sum: ErrorSum, input: AggregationInput, pair: Pair, tensors: State): void {
  const [a, b] = [pair.a, pair.b].map((name) => tensors.get(name) ?? input.global.get(name)!);
  const { error, norm } = made(() => normsOf(termsOf(input, pair), { a, b }));
  sum.add(error, norm);
}

/** Aggregation of each tensor by itself: what most strategies do with what travels. */
export function aggregateByName(input: AggregationInput): Aggregated {
  const names = new Set(input.names);
  const pairs = pairsOf(input.global.keys());
  const error = new ErrorSum();
  const tensors: State = new Map();
  // Pairs come first: their errors need most of the memory, and the other tensors are not there yet.
  for (const pair of pairs) {
    const travelling = [pair.a, pair.b].filter((name) => names.has(name));
    for (const [name, value] of combined(input, travelling)) tensors.set(name, value);
    addError(error, input, pair, tensors);
  }
  for (const [name, value] of combinedBeside(input, pairs)) tensors.set(name, value);
  return { tensors, error: error.relative };
}
