/**
 * A site's training as the rounds ask for it: one epoch of `LocalTraining` a round. Sites may share one network with one
 * adapter attached: what is a site's own is copied in before its turn and out after it.
 */
import type { CaseSlices } from '../../data/index.js';
import { LocalTraining } from '../../finetune/index.js';
import { copyInto, joinStates, pick, type State, type TrainingEvent } from '../../nn/index.js';
import { noGrad } from '../../torch/index.js';
import type { Correction } from '../aggregation/index.js';
import type { LocalRound, LocalTrainer, Metrics } from '../trainer.js';
import type { FederatedNetwork } from './network.js';

/** What training tells after each step. */
export type SiteStep = Extract<TrainingEvent, { kind: 'step' }>;

/** A site's name, which names its random streams too, and its labelled cases. */
export interface SiteCases {
  name: string;
  train: readonly CaseSlices[];
}

export class SiteTrainer implements LocalTrainer<SiteStep>, Disposable {
  readonly base: string;
  readonly slices: number;
  readonly cases: number;
  /** Steps of a round. */
  readonly steps: number;
  readonly #network: FederatedNetwork;
  readonly #training: LocalTraining;

  /** @throws GraftError TRAINING_EMPTY, CASE_UNLABELLED */
  constructor(network: FederatedNetwork, { name, train }: SiteCases) {
    const { model, planned, settings, base } = network;
    this.#network = network;
    const { training, config } = settings;
    this.#training = new LocalTraining({
      ...{ model, planned, name, cases: train, config: training },
      ...{ epochs: config.rounds, seed: config.seed },
    });
    const { slices, cases, steps } = this.#training;
    this.base = base;
    this.slices = slices;
    this.cases = cases;
    this.steps = steps;
  }

  load(tensors: State, local: State | undefined): void {
    this.#network.load(tensors);
    if (local) copyInto(this.localState(), local);
    else
      noGrad(() => {
        for (const value of this.#training.state().values()) value.zero_();
      });
  }

  correct(round: number, corrections: readonly Correction[]): void {
    this.#network.correct(round, corrections);
  }

  async *train(
    { round, rounds, trains, proximal }: LocalRound,
    signal: AbortSignal,
  ): AsyncGenerator<SiteStep, Metrics> {
    const { travelling } = this.#network.planned;
    const still = [...pick(travelling, (name) => !trains(name)).values()];
    for (const value of still) value.requiresGrad = false;
    const adjust = proximal && ((trained: State) => proximal.addGradient(trained));
    let sum = 0;
    try {
      for await (const step of this.#training.epoch(round - 1, { epochs: rounds, ...(adjust && { adjust }) })) {
        sum += step.loss;
        yield step;
        if (signal.aborted) return {};
      }
      return { loss: sum / this.steps };
    } finally {
      for (const value of still) value.requiresGrad = true;
    }
  }

  travelling(): State {
    return this.#network.planned.travelling;
  }

  localState(): State {
    return joinStates({ training: this.#training.state(), own: this.#network.own });
  }

  [Symbol.dispose](): void {
    this.#training[Symbol.dispose]();
  }
}
