/**
 * Server optimisers: the difference Δ between the aggregated and the last global state is taken as a gradient
 * (Reddi et al. 2021, arXiv 2003.00295; FedAvgM: Hsu et al. 2019, arXiv 1909.06335).
 *
 * - `plain`: w ← w + Δ, the aggregated state itself
 * - `fedavgm`: v ← β₁v + Δ, w ← w + lr·v
 * - `fedadam`: m ← β₁m + (1 − β₁)Δ, v ← β₂v + (1 − β₂)Δ², w ← w + lr·m / (√v + τ)
 *
 * The moments are the coordinator's to keep. They move low-rank factors one by one, so with anything but `plain` the
 * product is no longer the one that the aggregation chose.
 */
import type { State } from '../nn/index.js';
import { scope, type Tensor, zeros } from '../torch/index.js';
import type { Federation } from './config.js';

export interface Moved {
  tensors: State;
  /** Moments by `NAME.m` and `NAME.v`, for the next step. */
  moments: State;
}

/**
 * One step from the global state.
 *
 * @param aggregated names that are missing stay as they are, with their moments
 * @returns new tensors for the names of `aggregated`, which the caller owns
 */
export function serverStep(global: State, aggregated: State, moments: State, config: Federation['server']): Moved {
  const { optimiser, lr, beta1, beta2, tau } = config;
  const moved: Moved = { tensors: new Map(), moments: new Map() };
  for (const [name, wanted] of aggregated) {
    const last = global.get(name)!;
    const moment = (kind: 'm' | 'v'): Tensor => moments.get(`${name}.${kind}`) ?? zeros(last.shape);
    const keep = (kind: 'm' | 'v', value: Tensor) => moved.moments.set(`${name}.${kind}`, value.keep());
    const value = scope(() => {
      if (optimiser === 'plain') return wanted.clone();
      const delta = wanted.sub(last);
      if (optimiser === 'fedavgm') {
        const velocity = moment('m').mul(beta1).add(delta);
        keep('m', velocity);
        return last.add(velocity.mul(lr));
      }
      const mean = moment('m')
        .mul(beta1)
        .add(delta.mul(1 - beta1));
      const square = moment('v')
        .mul(beta2)
        .add(delta.mul(delta).mul(1 - beta2));
      keep('m', mean);
      keep('v', square);
      return last.add(mean.div(square.sqrt().add(tau)).mul(lr));
    });
    moved.tensors.set(name, value.keep());
  }
  for (const [name, value] of moments) if (!moved.moments.has(name)) moved.moments.set(name, value.clone());
  return moved;
}
