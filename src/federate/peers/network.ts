/**
 * A network in a federation: frozen weights, one adapter beside them, and what rounds added to the frozen weights. A site has
 * one of its own; in a simulation all sites share one, and each puts its own values into it before its turn.
 */
import type { Pausing } from '../../core/index.js';
import type { LocalTrainingConfig } from '../../finetune/index.js';
import { copyInto, copyState, disposeState, pick, type State } from '../../nn/index.js';
import { applyPlan, isLoraFactor, loraWeightOf, type Planned } from '../../peft/index.js';
import { planNamed, type Segmenter } from '../../segmenter/index.js';
import { noGrad, scope } from '../../torch/index.js';
import { aggregations, type Correction } from '../aggregation/index.js';
import type { Federation } from '../config.js';
import { federateError } from '../errors.js';

/** What the sites of a federation have alike. */
export interface PeerSettings {
  /** Name of a training plan of the network's family. */
  plan: string;
  /** Options of the plan's adapter, as the family's schema takes them. */
  adapter: Record<string, unknown>;
  training: LocalTrainingConfig;
  /** `seed`: of the adapter's initial values and of all that is drawn in training. */
  config: Pick<Federation, 'aggregation' | 'rounds' | 'seed'>;
}

/** Whether an adapter is one plain LoRA a layer, whose product is a change of the layer's weight. */
export const isPlainLora = ({ count, kind }: PeerSettings['adapter']): boolean =>
  !(Number(count) > 1 || kind === 'dora');

export class FederatedNetwork implements Disposable {
  readonly model: Segmenter;
  readonly planned: Planned;
  /** With the adapter's defaults. */
  readonly settings: PeerSettings;
  /** Fingerprint of the frozen network. */
  readonly base: string;
  /** What differs from the base and stays with each site whatever the aggregation: mixing weights, normalisation. */
  readonly own: State;
  /** The trained tensors before training, and the frozen weights that corrections change. */
  readonly #initial: State;
  readonly #correctable: State;
  /** Rounds whose corrections the frozen weights have; the corrections of a round are added once. */
  readonly #corrected = new Set<number>();

  /**
   * Attaches the plan's adapter, until the network is disposed.
   *
   * @throws GraftError PLAN_UNKNOWN, PLAN_EMPTY, ADAPTER_TARGET, ADAPTER_PLACE, CORRECTION_UNSUITED; ZodError where the
   * adapter's options are not valid
   */
  constructor(model: Segmenter, settings: PeerSettings) {
    model.use(undefined);
    const { family, network } = model;
    const { training, config } = settings;
    const { aggregation, seed } = config;
    const plan = planNamed(family, settings.plan);
    const adapter = family.adapter.parse(settings.adapter) as PeerSettings['adapter'];
    const { corrects } = aggregations[aggregation];
    if (corrects && !isPlainLora(adapter)) throw federateError('CORRECTION_UNSUITED', { plan: plan.name, aggregation });
    this.model = model;
    this.settings = { ...settings, adapter };
    this.base = model.fingerprint; // before there is an adapter
    this.planned = applyPlan(network, plan, adapter, { seed, normalisation: training.normalisation });
    const { trained, held, travelling } = this.planned;
    this.own = pick(held, (name) => !travelling.has(name));
    const weights = network.parameters();
    const factors = corrects ? [...trained.keys()].filter(isLoraFactor) : [];
    const adapted = new Set(factors.map((name) => loraWeightOf(name, weights).name));
    this.#correctable = new Map([...adapted].map((name) => [name, weights.get(name)!]));
    this.#initial = copyState(new Map([...held, ...this.#correctable]));
  }

  /** Puts trained values in; what is missing has its initial value. Frozen weights are not touched. */
  load(tensors: State): void {
    const { held } = this.planned;
    copyInto(held, this.#initial);
    copyInto(held, tensors);
  }

  /** Adds a round's corrections to the frozen weights, unless they have them. */
  correct(round: number, corrections: readonly Correction[]): void {
    if (this.#corrected.has(round)) return;
    this.#corrected.add(round);
    this.#add(corrections);
  }

  /** Does something with further corrections, and takes them out again. */
  *corrected<Result>(corrections: readonly Correction[], body: Pausing<Result>): Pausing<Result> {
    const before = copyState(this.#correctable);
    this.#add(corrections);
    try {
      return yield* body;
    } finally {
      copyInto(this.#correctable, before);
      disposeState(before);
    }
  }

  #add(corrections: readonly Correction[]): void {
    const scale = Number(this.settings.adapter.scale);
    for (const { a, factors } of corrections) {
      const { name, start, rows } = loraWeightOf(a, this.#correctable);
      const weight = this.#correctable.get(name)!.narrow(0, start, rows);
      scope(() => noGrad(() => weight.add_(factors.b.matmul(factors.a).mul(scale).to({ device: weight.device }))));
    }
  }

  /** All that makes the network what it is now beside its base, as copies. */
  snapshot(): State {
    return copyState(new Map([...this.planned.held, ...this.#correctable]));
  }

  /** Leaves the model as it was. */
  [Symbol.dispose](): void {
    const own = this.model.network.state();
    copyInto(own, this.#initial);
    this.planned.undo();
    disposeState(this.#initial);
  }
}
