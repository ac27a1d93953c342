/**
 * Dropout (Srivastava et al., 2014) whose masks follow from a seed and the layer's name, not from how often they were
 * drawn: a forward pass that is computed twice, as activation checkpointing does, drops the same elements twice.
 */
import { random } from '../core/index.js';
import { Generator, operator, type Tensor, zeros } from '../torch/index.js';

const bernoulli = operator('aten::bernoulli_.float');

export class Dropout {
  readonly #probability: number;
  readonly #name: string;
  /** Of the step being trained; nothing is dropped while there is none. */
  seed: number | undefined;

  /** @param probability of an element to become zero, in [0, 1) */
  constructor(probability: number, name: string) {
    this.#probability = probability;
    this.#name = name;
  }

  /** The input with some elements zero and the others scaled so that the expectation stays. */
  apply(input: Tensor): Tensor {
    if (this.seed === undefined || this.#probability === 0) return input;
    const kept = 1 - this.#probability;
    // Drawn on the CPU, where the generators are, so every device drops the same elements.
    using generator = new Generator(random(this.seed, 'dropout', this.#name).seed());
    const mask = bernoulli(zeros(input.shape), kept, { generator }) as Tensor;
    return input.mul(mask.mul_(1 / kept).to({ device: input.device, dtype: input.dtype }));
  }
}
