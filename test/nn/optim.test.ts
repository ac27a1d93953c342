/** Optimisers against their equations in plain float64 numbers, with libtorch's fused kernels and without them. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { random } from '../../src/core/index.js';
import type { AdamOptions, SGDOptions } from '../../src/nn/index.js';
import { devices } from '../../src/torch/index.js';

/** Fresh copies of graft's modules, in one of which libtorch seems to lack the fused kernels. */
async function modules(fused: boolean) {
  const called = new Set<string>();
  vi.resetModules();
  vi.doMock('../../src/torch/index.js', async (original) => {
    const actual = await original<typeof import('../../src/torch/index.js')>();
    return {
      ...actual,
      hasOperator: (name: string) => (fused || !name.includes('_fused_')) && actual.hasOperator(name),
      operator: (name: string) => {
        const run = actual.operator(name);
        return (...values: Parameters<typeof run>) => {
          called.add(name);
          return run(...values);
        };
      },
    };
  });
  return {
    torch: await import('../../src/torch/index.js'),
    nn: await import('../../src/nn/index.js'),
    called,
  };
}
afterEach(() => {
  vi.doUnmock('../../src/torch/index.js');
  vi.resetModules();
});

const steps = 6;
const start = { a: [1, -2, 3], b: [0.5] };
/** The gradients of step t; `b` has none at steps 2 and 3. */
const slopes = (t: number): Record<string, number[] | undefined> => {
  const { normal } = random(5, t);
  const a = start.a.map(() => normal());
  return { a, b: t === 2 || t === 3 ? undefined : [normal()] };
};
type Values = Record<string, number[]>;

function adam({ lr, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0, decoupled = false }: AdamOptions): Values {
  const [beta1, beta2] = betas;
  const end: Values = {};
  for (const [name, first] of Object.entries(start)) {
    const w = [...first];
    const m = w.map(() => 0);
    const v = w.map(() => 0);
    let step = 0;
    for (let t = 0; t < steps; t++) {
      const gradient = slopes(t)[name];
      if (!gradient) continue;
      step++;
      gradient.forEach((slope, i) => {
        const g = decoupled ? slope : slope + weightDecay * w[i];
        if (decoupled) w[i] -= lr * weightDecay * w[i];
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        w[i] -= (lr * (m[i] / (1 - beta1 ** step))) / (Math.sqrt(v[i] / (1 - beta2 ** step)) + eps);
      });
    }
    end[name] = w;
  }
  return end;
}

function sgd({ lr, momentum = 0, nesterov = false, weightDecay = 0 }: SGDOptions): Values {
  const end: Values = {};
  for (const [name, first] of Object.entries(start)) {
    const w = [...first];
    const v = w.map(() => 0);
    for (let t = 0; t < steps; t++)
      slopes(t)[name]?.forEach((slope, i) => {
        const g = slope + weightDecay * w[i];
        v[i] = momentum * v[i] + g;
        w[i] -= lr * (nesterov ? g + momentum * v[i] : v[i]);
      });
    end[name] = w;
  }
  return end;
}

type Modules = Awaited<ReturnType<typeof modules>>;
type Make = (
  nn: Modules['nn'],
  parameters: Map<string, ReturnType<Modules['torch']['tensor']>>,
) => {
  step(): void;
  zeroGrad(): void;
  state(): Map<string, ReturnType<Modules['torch']['tensor']>>;
};

/** Takes the steps with graft; `resumeAt` hands the optimiser's state to a new one before that step. */
function run({ torch, nn }: Modules, device: string, make: Make, resumeAt = -1): { end: Values; counts: number[] } {
  const { tensor } = torch;
  const parameters = new Map(Object.entries(start).map(([name, w]) => [name, tensor(w, undefined, { device })]));
  let optimiser = make(nn, parameters);
  for (let t = 0; t < steps; t++) {
    if (t === resumeAt) {
      const saved = nn.copyState(optimiser.state());
      optimiser = make(nn, parameters);
      for (const [name, value] of optimiser.state()) value.copy_(saved.get(name)!);
    }
    for (const [name, parameter] of parameters) {
      const gradient = slopes(t)[name];
      parameter.grad = gradient && tensor(gradient, undefined, { device });
    }
    optimiser.step();
  }
  optimiser.zeroGrad();
  expect([...parameters.values()].every(({ grad }) => grad === undefined)).toBe(true);
  const counts = [...optimiser.state()].filter(([name]) => name.endsWith('.step')).map(([, value]) => value.item());
  return { end: Object.fromEntries([...parameters].map(([name, value]) => [name, [...value.toArray()]])), counts };
}

function expectClose(got: Values, want: Values): void {
  for (const name of Object.keys(want))
    want[name].forEach((value, i) => {
      expect(Math.abs(got[name][i] - value), `${name}[${i}]`).toBeLessThan(2e-6 * (1 + Math.abs(value)));
    });
}

const adamCases: [string, AdamOptions][] = [
  ['Adam', { lr: 0.1 }],
  ['Adam with other betas and eps', { lr: 0.05, betas: [0.5, 0.9], eps: 1e-3 }],
  ['Adam with weight decay in the gradient', { lr: 0.1, weightDecay: 0.3 }],
  ['AdamW', { lr: 0.1, weightDecay: 0.3, decoupled: true }],
];
const sgdCases: [string, SGDOptions][] = [
  ['SGD', { lr: 0.1 }],
  ['SGD with momentum', { lr: 0.1, momentum: 0.9 }],
  ['SGD with Nesterov momentum', { lr: 0.1, momentum: 0.9, nesterov: true }],
  ['SGD with momentum and weight decay', { lr: 0.1, momentum: 0.5, weightDecay: 0.2 }],
];

describe.each(devices())('on %s', (device) => {
  it.each(adamCases)('%s follows its equations; without the fused kernel the same', async (_, options) => {
    const want = adam(options);
    for (const fused of [true, false]) {
      const world = await modules(fused);
      const { end, counts } = run(world, device, (nn, parameters) => new nn.Adam(parameters, options));
      expectClose(end, want);
      // `b` was without a gradient for two steps: it was left alone and its own count stood still.
      expect(counts).toEqual([steps, steps - 2]);
      const kernel = options.decoupled ? 'aten::_fused_adamw_' : 'aten::_fused_adam_';
      expect(world.called.has(kernel)).toBe(fused && world.torch.hasOperator(kernel));
    }
  });

  it.each(sgdCases)('%s follows its equations', async (_, options) => {
    const world = await modules(true);
    expectClose(run(world, device, (nn, parameters) => new nn.SGD(parameters, options)).end, sgd(options));
  });

  it('resumes from its state with the same bits', async () => {
    const world = await modules(true);
    const makers: Make[] = [
      (nn, parameters) => new nn.Adam(parameters, { lr: 0.1, weightDecay: 0.1 }),
      (nn, parameters) => new nn.SGD(parameters, { lr: 0.1, momentum: 0.9 }),
    ];
    for (const make of makers) expect(run(world, device, make, 3)).toEqual(run(world, device, make));
  });
});

describe('an optimiser', () => {
  it('obeys a learning rate that changes between steps, and does nothing without gradients', async () => {
    const { torch, nn } = await modules(true);
    const w = torch.tensor([1]);
    const optimiser = new nn.SGD(new Map([['w', w]]), { lr: 0.5 });
    optimiser.step();
    expect(w.item()).toBe(1);
    w.grad = torch.tensor([1]);
    optimiser.step();
    optimiser.lr = 0.25;
    optimiser.step();
    expect(w.item()).toBe(0.25);
  });

  it('names its state after the parameters, as PyTorch names the parts', async () => {
    const { torch, nn } = await modules(true);
    const parameters = new Map([['x.weight', torch.tensor([1, 2])]]);
    expect([...new nn.Adam(parameters, { lr: 1 }).state().keys()]).toEqual([
      'x.weight.exp_avg',
      'x.weight.exp_avg_sq',
      'x.weight.step',
    ]);
    expect([...new nn.SGD(parameters, { lr: 1 }).state().keys()]).toEqual(['x.weight.momentum_buffer']);
  });

  it('leaves nothing behind from step to step', async () => {
    const { torch, nn } = await modules(true);
    const w = torch.tensor([1, 2]);
    w.requiresGrad = true;
    for (const make of [
      () => new nn.Adam(new Map([['w', w]]), { lr: 0.1, weightDecay: 0.1 }),
      () => new nn.SGD(new Map([['w', w]]), { lr: 0.1, momentum: 0.9, nesterov: true }),
    ]) {
      const optimiser = make();
      const counts = [1, 2, 3].map(() => {
        torch.scope(() => w.pow(2).sum().backward());
        optimiser.step();
        optimiser.zeroGrad();
        return torch.memoryStatistics().tensors;
      });
      expect(new Set(counts).size).toBe(1);
    }
  });
});
