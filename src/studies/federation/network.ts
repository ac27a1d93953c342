/** The network that the sites of a federation share: frozen weights, one adapter, and what rounds added to the former. */
import type { Pausing } from '../../core/index.js';
import { aggregations, type Correction } from '../../federate/index.js';
import { copyInto, copyState, disposeState, pick, type State } from '../../nn/index.js';
import { applyPlan, isLoraFactor, loraWeightOf, type Planned } from '../../peft/index.js';
import { planNamed, type Segmenter } from '../../segmenter/index.js';
import { noGrad, scope } from '../../torch/index.js';
import type { Variant } from './recipe.js';

export class SharedNetwork implements Disposable {
  readonly model: Segmenter;
  readonly planned: Planned;
  readonly variant: Variant;
  /** Fingerprint of the frozen network. */
  readonly base: string;
  /** What differs from the base and stays with each site whatever the aggregation: mixing weights, normalisation. */
  readonly own: State;
  /** The trained tensors before training, and the frozen weights that corrections change. */
  readonly #initial: State;
  readonly #correctable: State;
  /** Rounds whose corrections the frozen weights have; the corrections of a round are added once. */
  readonly #corrected = new Set<number>();

  /** @throws GraftError as `applyPlan` */
  constructor(model: Segmenter, variant: Variant, seed: number) {
    model.use(undefined);
    this.model = model;
    this.variant = variant;
    this.base = model.fingerprint; // before there is an adapter
    const { family, network } = model;
    const { normalisation } = variant.training;
    const plan = planNamed(family, variant.plan);
    this.planned = applyPlan(network, plan, family.adapter.parse(variant.adapter), { seed, normalisation });
    const { trained, held, travelling } = this.planned;
    this.own = pick(held, (name) => !travelling.has(name));
    const weights = network.parameters();
    const factors = aggregations[variant.federation.aggregation].corrects
      ? [...trained.keys()].filter(isLoraFactor)
      : [];
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
    const scale = Number(this.variant.adapter.scale);
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
