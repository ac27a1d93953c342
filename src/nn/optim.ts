/**
 * Optimisers: Adam (Kingma & Ba, 2015), AdamW (Loshchilov & Hutter, 2019) and SGD with momentum, one call for all
 * parameters: libtorch's fused kernel where it has one for the device, otherwise its `_foreach_` operators, which give
 * the same numbers up to rounding.
 */
import { hasOperator, noGrad, operator, scope, type Tensor, zeros } from '../torch/index.js';
import { scalar } from './module.js';
import type { State } from './state.js';

export interface Optimiser {
  /** Learning rate; a schedule may change it between steps. */
  lr: number;
  /** Moves the parameters along their gradients; those without one are left as they are. */
  step(): void;
  /** Forgets the gradients. */
  zeroGrad(): void;
  /** Everything a resumed run needs, by name. */
  state(): State;
}

const call = (name: string) => {
  const run = operator(`aten::${name}`);
  return (...values: Parameters<typeof run>) => void run(...values);
};
const foreach = {
  mul_: call('_foreach_mul_.Scalar'),
  add_: call('_foreach_add_.List'),
  addScalar_: call('_foreach_add_.Scalar'),
  divScalar_: call('_foreach_div_.Scalar'),
  addcmul_: call('_foreach_addcmul_.Scalar'),
  addcdiv_: call('_foreach_addcdiv_.Scalar'),
};
const foreachSqrt = operator('aten::_foreach_sqrt') as (tensors: readonly Tensor[]) => Tensor[];

const fusedKernels = new Map<string, boolean>();

/** Whether the fused kernel runs on the device, found by running it once on one element. */
function hasFused(name: string, device: string): boolean {
  const key = `${name} ${device}`;
  let works = fusedKernels.get(key);
  if (works === undefined) {
    try {
      works = hasOperator(name);
      if (works)
        scope(() => {
          const one = () => [zeros([1], { device })];
          const options = { lr: 0, beta1: 0, beta2: 0, weightDecay: 0, eps: 1, amsgrad: false, maximize: false };
          operator(name)(one(), one(), one(), one(), [], [zeros([], { device })], options);
        });
    } catch {
      works = false;
    }
    fusedKernels.set(key, works);
  }
  return works;
}

/** The parameters that have a gradient now, with their gradients and slots. */
function withGradients(parameters: Tensor[]): { index: number[]; values: Tensor[]; gradients: Tensor[] } {
  const index: number[] = [];
  const gradients: Tensor[] = [];
  parameters.forEach((parameter, i) => {
    const { grad } = parameter;
    if (!grad) return;
    index.push(i);
    gradients.push(grad);
  });
  return { index, gradients, values: index.map((i) => parameters[i]) };
}

function clearGradients(parameters: Tensor[]): void {
  for (const parameter of parameters) parameter.grad = undefined;
}

export interface AdamOptions {
  lr: number;
  betas?: [number, number];
  eps?: number;
  weightDecay?: number;
  /** true: AdamW, which shrinks the weights directly; false: Adam, which adds the decay to the gradient. */
  decoupled?: boolean;
}

/**
 * Adam (Kingma & Ba 2015, arXiv 1412.6980), or AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101) where `decoupled`.
 * `state` has its moments and counts by the parameters' names; the optimiser owns them.
 */
export class Adam implements Optimiser {
  lr: number;
  readonly #names: string[];
  readonly #parameters: Tensor[];
  readonly #options: Required<AdamOptions>;
  readonly #mean: Tensor[];
  readonly #square: Tensor[];
  readonly #steps: Tensor[];
  readonly #fused: string | undefined;

  constructor(parameters: State, options: AdamOptions) {
    this.#options = { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, decoupled: false, ...options };
    this.lr = options.lr;
    this.#names = [...parameters.keys()];
    this.#parameters = [...parameters.values()];
    const zero = ({ shape, device }: Tensor) => zeros(shape, { device }).keep();
    this.#mean = this.#parameters.map(zero);
    this.#square = this.#parameters.map(zero);
    this.#steps = this.#parameters.map(({ device }) => scalar(0).to({ device }).keep());
    const fused = this.#options.decoupled ? 'aten::_fused_adamw_' : 'aten::_fused_adam_';
    this.#fused = hasFused(fused, this.#parameters[0]?.device ?? 'cpu') ? fused : undefined;
  }

  step(): void {
    scope(() =>
      noGrad(() => {
        const { index, values, gradients } = withGradients(this.#parameters);
        if (index.length === 0) return;
        const [mean, square, steps] = [this.#mean, this.#square, this.#steps].map((all) => index.map((i) => all[i]));
        const { betas, eps, weightDecay, decoupled } = this.#options;
        const [beta1, beta2] = betas;
        foreach.addScalar_(steps, 1);
        if (this.#fused) {
          const options = { lr: this.lr, beta1, beta2, weightDecay, eps, amsgrad: false, maximize: false };
          operator(this.#fused)(values, gradients, mean, square, [], steps, options);
          return;
        }
        let slopes = gradients;
        if (weightDecay > 0 && decoupled) foreach.mul_(values, 1 - this.lr * weightDecay);
        else if (weightDecay > 0) slopes = gradients.map((gradient, i) => gradient.add(values[i].mul(weightDecay)));
        foreach.mul_(mean, beta1);
        foreach.add_(mean, slopes, { alpha: 1 - beta1 });
        foreach.mul_(square, beta2);
        foreach.addcmul_(square, slopes, slopes, 1 - beta2);
        // A parameter that had no gradient for some steps has a step count, and so a bias correction, of its own.
        index.forEach((_, i) => {
          const step = steps[i].item();
          const denominator = foreachSqrt([square[i]]);
          foreach.divScalar_(denominator, Math.sqrt(1 - beta2 ** step));
          foreach.addScalar_(denominator, eps);
          foreach.addcdiv_([values[i]], [mean[i]], denominator, -this.lr / (1 - beta1 ** step));
        });
      }),
    );
  }
  zeroGrad(): void {
    clearGradients(this.#parameters);
  }
  state(): State {
    const part = (suffix: string, tensors: Tensor[]) =>
      this.#names.map((name, i): [string, Tensor] => [`${name}.${suffix}`, tensors[i]]);
    return new Map([...part('exp_avg', this.#mean), ...part('exp_avg_sq', this.#square), ...part('step', this.#steps)]);
  }
}

export interface SGDOptions {
  lr: number;
  momentum?: number;
  nesterov?: boolean;
  weightDecay?: number;
}

/** Stochastic gradient descent, with momentum and Nesterov's form where asked for, as PyTorch computes them. */
export class SGD implements Optimiser {
  lr: number;
  readonly #names: string[];
  readonly #parameters: Tensor[];
  readonly #options: Required<SGDOptions>;
  readonly #velocity: Tensor[];

  constructor(parameters: State, options: SGDOptions) {
    this.#options = { momentum: 0, nesterov: false, weightDecay: 0, ...options };
    this.lr = options.lr;
    this.#names = [...parameters.keys()];
    this.#parameters = [...parameters.values()];
    this.#velocity = this.#parameters.map(({ shape, device }) => zeros(shape, { device }).keep());
  }

  /** PyTorch's form: v = momentum·v + g; w -= lr·v, or with Nesterov w -= lr·(g + momentum·v). */
  step(): void {
    scope(() =>
      noGrad(() => {
        const { index, values, gradients } = withGradients(this.#parameters);
        if (index.length === 0) return;
        const velocity = index.map((i) => this.#velocity[i]);
        const { momentum, nesterov, weightDecay } = this.#options;
        const slopes = weightDecay > 0 ? gradients.map((g, i) => g.add(values[i].mul(weightDecay))) : gradients;
        foreach.mul_(velocity, momentum);
        foreach.add_(velocity, slopes);
        const direction = nesterov ? slopes.map((g, i) => g.add(velocity[i].mul(momentum))) : velocity;
        foreach.add_(values, direction, { alpha: -this.lr });
      }),
    );
  }
  zeroGrad(): void {
    clearGradients(this.#parameters);
  }
  state(): State {
    return new Map(this.#names.map((name, i) => [`${name}.momentum_buffer`, this.#velocity[i]]));
  }
}
