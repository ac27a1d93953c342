/** The two perceptrons of Segment Anything. */
import { Layer, Linear } from '../../nn/index.js';
import { relu, type Tensor } from '../../torch/index.js';

/** The perceptron inside a transformer's block: tokens float32 [..., channels] -> [..., channels]. */
export class BlockMlp extends Layer {
  readonly #lin1: Linear;
  readonly #lin2: Linear;
  readonly #activation: (input: Tensor) => Tensor;
  constructor(channels: number, hidden: number, activation: (input: Tensor) => Tensor) {
    super();
    this.#lin1 = this.child('lin1', new Linear(channels, hidden));
    this.#lin2 = this.child('lin2', new Linear(hidden, channels));
    this.#activation = activation;
  }
  override forward(tokens: Tensor): Tensor {
    const hidden = this.#activation(this.#lin1.forward(tokens)); // [..., hidden]
    return this.#lin2.forward(hidden); // [..., channels]
  }
}

/** Three layers with ReLU between them, which turn a token into a prediction: float32 [..., channels] -> [..., out]. */
export class HeadMlp extends Layer {
  readonly #layers: Linear[];
  constructor(channels: number, out: number) {
    super();
    this.#layers = [channels, channels, out].map((width, i) => this.child(`layers.${i}`, new Linear(channels, width)));
  }
  override forward(token: Tensor): Tensor {
    return this.#layers.reduce((x, layer, i) => layer.forward(i === 0 ? x : relu(x)), token);
  }
}
