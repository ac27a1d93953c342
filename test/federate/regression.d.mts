import type { Federation, FederationEvent, LocalTrainer } from '../../src/federate/index.js';
import type { State } from '../../src/nn/index.js';
import type { Tensor } from '../../src/torch/index.js';

export const nameA: string;
export const nameB: string;
export const nameBias: string;

type Graft = typeof import('../../src/federate/index.js') &
  typeof import('../../src/nn/index.js') &
  typeof import('../../src/torch/index.js');

export interface RegressionOptions {
  sites?: string[];
  seed?: number;
  steps?: number;
  lr?: number;
  samples?: number;
}

export interface Regression {
  sites: { name: string; trainer: LocalTrainer<{ loss: number }> }[];
  base: string;
  initial: State;
  network: State;
  frozen: Tensor;
  loss(): number;
}

export function makeRegression(graft: Graft, options?: RegressionOptions): Regression;
export function runToEnd(
  graft: Graft,
  folder: string,
  config: Federation,
  options?: RegressionOptions & { onEvent?: (event: FederationEvent<{ loss: number }>) => void },
): Promise<{ fingerprint: string; loss: number; weights: string; regression: Regression }>;
