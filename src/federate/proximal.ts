/**
 * FedProx (Li et al. 2020, arXiv 1812.06127): local training minimises its loss plus μ/2·‖w − w_global‖², so that sites with
 * other data do not run far from one another. Added as its gradient, which costs less than a term of the loss.
 */
import { copyState, disposeState, type State } from '../nn/index.js';
import { noGrad, scope } from '../torch/index.js';

export class Proximal implements Disposable {
  readonly mu: number;
  readonly #centre: State;

  /** @param trained at the values that came from the coordinator; copied */
  constructor(mu: number, trained: State) {
    this.mu = mu;
    this.#centre = copyState(trained);
  }

  /** Adds μ(w − w_global) to the gradients; call it between `backward` and the optimiser's step. */
  addGradient(trained: State): void {
    noGrad(() =>
      scope(() => {
        for (const [name, centre] of this.#centre) {
          const value = trained.get(name);
          value?.grad?.add_(value.detach().sub(centre).mul(this.mu));
        }
      }),
    );
  }

  /** μ/2·‖w − w_global‖², for logs. */
  penalty(trained: State): number {
    return noGrad(() =>
      scope(() => {
        let sum = 0;
        for (const [name, centre] of this.#centre) {
          const value = trained.get(name);
          if (value) sum += value.detach().sub(centre).norm().item() ** 2;
        }
        return (this.mu / 2) * sum;
      }),
    );
  }

  [Symbol.dispose](): void {
    disposeState(this.#centre);
  }
}
