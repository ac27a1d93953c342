/**
 * The running mean of a network's weights over the steps of its training (Polyak & Juditsky 1992; exponential, as in Tarvainen
 * & Valpola 2017), which wanders less than the weights themselves.
 */
import { noGrad, operator, type Tensor } from '../torch/index.js';
import { copyInto, copyState, type State } from './state.js';

const lerp = operator('aten::lerp_.Scalar') as (target: Tensor, end: Tensor, weight: number) => Tensor;

export class MeanWeights {
  readonly #parameters: State;
  readonly #decay: number;
  /** The means by name, of a checkpoint's tensors. */
  readonly state: State;

  /** @param decay share of the mean that a step leaves; in the first steps, of which there is little to average, less */
  constructor(parameters: State, decay: number) {
    this.#parameters = parameters;
    this.#decay = decay;
    this.state = copyState(parameters);
  }

  /** To be called after a step. @param step how many steps there were before it */
  add(step: number): void {
    const share = 1 - Math.min(this.#decay, (1 + step) / (10 + step));
    noGrad(() => {
      for (const [name, value] of this.#parameters) lerp(this.state.get(name)!, value.detach(), share);
    });
  }

  /** Puts the means in the place of the weights until the result is disposed. */
  use(): Disposable {
    const own = copyState(this.#parameters);
    copyInto(this.#parameters, this.state);
    return {
      [Symbol.dispose]: () => {
        copyInto(this.#parameters, own);
        for (const value of own.values()) value.dispose();
      },
    };
  }

  dispose(): void {
    for (const value of this.state.values()) value.dispose();
  }
}
