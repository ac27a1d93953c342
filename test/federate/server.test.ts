/** Server optimisers step by step against their formulas, FedProx's gradient, and who takes part with which share. */
import { describe, expect, it } from 'vitest';
import { jumps, outliers } from '../../src/federate/decision.js';
import { Proximal } from '../../src/federate/proximal.js';
import { serverStep } from '../../src/federate/server.js';
import { sample, sharesOf } from '../../src/federate/shares.js';
import type { State } from '../../src/nn/index.js';
import { setThreads, tensor } from '../../src/torch/index.js';
import { configOf } from './small.js';

setThreads(1);

const state = (...values: number[]): State => new Map([['w', tensor(values)]]);
const numbers = (from: State, name = 'w') => [...from.get(name)!.toArray()];
const close = (got: number[], want: number[]) => {
  for (const [i, value] of want.entries()) expect(got[i]).toBeCloseTo(value, 5);
};

describe('a server optimiser', () => {
  const [first, second] = [state(1, 2), state(1.5, 0)];
  const target = state(2, 2);

  it('plain takes the aggregated state as it is', () => {
    const { tensors, moments } = serverStep(first, target, new Map(), configOf().server);
    expect([numbers(tensors), moments.size]).toEqual([[2, 2], 0]);
  });

  it('fedavgm adds up what was left to do', () => {
    const { server } = configOf({ server: { optimiser: 'fedavgm', lr: 0.5, beta1: 0.9 } });
    const one = serverStep(first, target, new Map(), server);
    close(numbers(one.tensors), [1.5, 2]); // v = [1, 0]
    const two = serverStep(second, target, one.moments, server);
    close(numbers(two.tensors), [1.5 + 0.5 * (0.9 + 0.5), 1]); // v = [1.4, 2]
  });

  it('fedadam divides by the root of the mean square', () => {
    const { server } = configOf({ server: { optimiser: 'fedadam', lr: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 } });
    const one = serverStep(first, target, new Map(), server);
    close(numbers(one.tensors), [1 + (0.1 * 0.1) / (Math.sqrt(0.01) + 0.01), 2]);
    const two = serverStep(second, target, one.moments, server);
    const [m, v] = [0.9 * 0.1 + 0.1 * 0.5, 0.99 * 0.01 + 0.01 * 0.25];
    close(numbers(two.tensors), [1.5 + (0.1 * m) / (Math.sqrt(v) + 0.01), (0.1 * 0.2) / (Math.sqrt(0.04) + 0.01)]);
  });

  it('leaves the moments of tensors that rested', () => {
    const { server } = configOf({ server: { optimiser: 'fedavgm' } });
    const { moments } = serverStep(first, target, new Map(), server);
    const rested = serverStep(new Map([...first, ['x', tensor([1])]]), new Map([['x', tensor([2])]]), moments, server);
    expect(numbers(rested.moments, 'w.m')).toEqual([1, 0]);
    expect([...rested.tensors.keys()]).toEqual(['x']);
  });
});

describe('FedProx', () => {
  it('adds the gradient of μ/2·‖w − w_global‖² to what is trained', () => {
    const [w, still] = [tensor([1, 2]), tensor([5])];
    w.requiresGrad = true;
    using proximal = new Proximal(0.5, new Map([['w', w]]));
    const trained: State = new Map([
      ['w', w],
      ['still', still],
    ]);
    const moved = w.mul(3).sum();
    moved.backward();
    w.detach().add_(tensor([0.5, -1]));
    proximal.addGradient(trained);
    close([...w.grad!.toArray()], [3 + 0.25, 3 - 0.5]);
    expect(proximal.penalty(trained)).toBeCloseTo(0.25 * (0.25 + 1), 6);
  });
});

describe('a round', () => {
  const names = Array.from({ length: 10 }, (_, k) => `s${k}`);

  it('draws sites by the seed and the round alone', () => {
    const config = configOf({ sampling: 0.3, seed: 5 });
    const drawn = Array.from({ length: 20 }, (_, round) => sample(names, round + 1, config).join());
    expect(Array.from({ length: 20 }, (_, round) => sample([...names].reverse(), round + 1, config).join())).toEqual(
      drawn,
    );
    expect(new Set(drawn).size).toBeGreaterThan(10);
    for (const one of drawn) expect(one.split(',').length).toBe(3);
    expect(sample(names, 1, configOf({ sampling: 0.1, minSites: 4 })).length).toBe(4);
    expect(sample(names, 1, configOf())).toEqual(names);
  });

  it('gives shares that sum up to 1', () => {
    const registered = new Map(names.map((name, k) => [name, { key: '', slices: k + 1, cases: 1 }]));
    for (const rule of ['slices', 'cases', 'equal'] as const) {
      const shares = Object.values(sharesOf(names, registered, configOf({ weights: rule })));
      expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    }
  });

  it('counts what a site says of its size up to ten times the median', () => {
    const sized = (...slices: number[]) => {
      const registered = new Map(slices.map((count, k) => [`s${k}`, { key: '', slices: count, cases: 1 }]));
      return Object.values(sharesOf([...registered.keys()], registered, configOf()));
    };
    expect(sized(100, 1000)).toEqual([100 / 1100, 1000 / 1100]);
    expect(sized(100, 1e9)).toEqual([1 / 11, 10 / 11]);
    expect(sized(1, 100, 100, 1e9)[3]).toBeCloseTo(1000 / 1201, 12);
    expect(sized(7)).toEqual([1]);
  });

  const norms = (...values: number[]) => new Map(values.map((value, k) => [`s${k}`, value]));

  it('finds jumps by the first global state and the median of all other updates so far', () => {
    expect(jumps(norms(1, 201), [], 20, 10)).toEqual(['s1']);
    expect(jumps(norms(0, 199), [], 20, 10)).toEqual([]); // updates of nothing do not make another one large
    expect(jumps(norms(201), [], 20, 10)).toEqual(['s0']);
    expect(jumps(norms(201), [21, 22, 23], 20, 10)).toEqual([]); // nor is large what all do
    expect(jumps(norms(5, 1e20), [], 0, 10)).toEqual(['s1']);
    expect(jumps(new Map(), [3], 20, 10)).toEqual([]);
  });

  it('finds outliers by the median', () => {
    expect(outliers(norms(1, 2, 3, 100), 10)).toEqual(['s3']);
    expect(outliers(norms(1, 100), 10)).toEqual([]);
    expect(outliers(norms(5), 2)).toEqual([]);
    expect(outliers(new Map(), 2)).toEqual([]);
  });
});
