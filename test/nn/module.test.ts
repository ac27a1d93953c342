/** Modules: names, loading by name, initial values, and states as files. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  BatchNorm2d,
  Conv2d,
  ConvTranspose2d,
  countElements,
  fingerprint,
  initialiseModule,
  Module,
  ReLU,
  readState,
  Sequential,
  type State,
  writeState,
} from '../../src/nn/index.js';
import { memoryStatistics, noGrad, ones, scope, type Tensor, tensor, zeros } from '../../src/torch/index.js';
import { eachDevice } from '../devices.js';
import { errorOf } from '../graft-error.js';

class Network extends Module {
  readonly body: Sequential;
  readonly head: Conv2d;
  constructor() {
    super();
    const first = new Conv2d({ in: 1, out: 4, kernel: 3, padding: 1, bias: false });
    this.body = this.child('body', new Sequential(first, new BatchNorm2d(4), new ReLU()));
    this.head = this.child('head', new Conv2d({ in: 4, out: 2, kernel: 1 }));
  }
  forward(x: Tensor): Tensor {
    return this.head.forward(this.body.forward(x));
  }
}
const made = (seed = 1) => {
  const network = new Network();
  initialiseModule(network, seed, 'network');
  return network;
};
const values = (state: State) => Object.fromEntries([...state].map(([name, value]) => [name, [...value.toArray()]]));

describe('names', () => {
  it("are paths, as in PyTorch's state dictionaries; parameters before buffers", () => {
    const network = new Network();
    const parameters = ['body.0.weight', 'body.1.weight', 'body.1.bias', 'head.weight', 'head.bias'];
    expect([...network.parameters().keys()]).toEqual(parameters);
    expect([...network.buffers().keys()]).toEqual(['body.1.running_mean', 'body.1.running_var']);
    expect([...network.state().keys()]).toEqual([...parameters, 'body.1.running_mean', 'body.1.running_var']);
    expect([...network.modules()].map(([path]) => path)).toEqual(['', 'body', 'body.0', 'body.1', 'body.2', 'head']);
    expect(countElements(network.parameters().values())).toBe(36 + 8 + 8 + 2);
    expect(network.state().get('body.0.weight')).toBe((network.body.layers[0] as Conv2d).weight);
  });

  it('a network holds the tensors of its state and no others', () => {
    const before = memoryStatistics().tensors;
    const network = new Network();
    expect(memoryStatistics().tensors).toBe(before + network.state().size);
  });

  it('parameters outlive the scope that the network was made in; dispose frees them all', () => {
    const before = memoryStatistics().tensors;
    const network = scope(() => ({ get: made() })).get;
    expect(network.head.weight.shape).toEqual([2, 4, 1, 1]);
    network.dispose();
    expect(memoryStatistics().tensors).toBe(before);
  });
});

describe('loadState', () => {
  it('copies values in, whatever their element type, and leaves the source its own', () => {
    const [source, target] = [made(1), made(2)];
    const doubles = new Map([...source.state()].map(([name, value]) => [name, value.to('float64')]));
    target.loadState(doubles);
    expect(values(target.state())).toEqual(values(source.state()));
    expect(target.head.weight.dtype).toBe('float32');
    noGrad(() => target.head.weight.zero_());
    expect(source.head.weight.abs().sum().item()).toBeGreaterThan(0);
  });

  it("ignores PyTorch's batch counters", () => {
    const state = made(1)
      .state()
      .set('body.1.num_batches_tracked', tensor(new BigInt64Array([5n]), []));
    const target = made(2);
    target.loadState(state);
    expect(values(target.state())).toEqual(values(made(1).state()));
  });

  it('a missing tensor: the first in the order of the network, and how many', () => {
    const state = made(1).state();
    state.delete('body.1.bias');
    state.delete('head.bias');
    const target = made(2);
    const before = values(target.state());
    const error = errorOf(() => target.loadState(state, { file: 'model.pth' }));
    expect(error.code).toBe('STATE_MISSING');
    expect(error.message).toMatch(/^model\.pth: .*body\.1\.bias \(\[4\]\).*2 of 7/);
    expect(values(target.state())).toEqual(before);
    target.loadState(state, { partial: true });
    expect(values(target.state())['head.weight']).toEqual(values(state)['head.weight']);
    expect(values(target.state())['head.bias']).toEqual(before['head.bias']);
  });

  it('a tensor of another shape: both shapes; nothing was loaded', () => {
    const target = made(2);
    const before = values(target.state());
    const state = made(1)
      .state()
      .set('head.weight', zeros([3, 4, 1, 1]))
      .set('head.bias', zeros([3]));
    const error = errorOf(() => target.loadState(state, { file: 'model.pth' }));
    expect(error.code).toBe('STATE_SHAPE');
    expect(error.message).toMatch(/model\.pth: head\.weight .*\[3, 4, 1, 1\].*\[2, 4, 1, 1\]/);
    expect(error.exitCode).toBe(4);
    expect(values(target.state())).toEqual(before);
    expect(errorOf(() => target.loadState(state, { partial: true })).code).toBe('STATE_SHAPE');
  });

  it('a tensor that the network does not have', () => {
    const state = made(1)
      .state()
      .set('tail.weight', zeros([3, 1]));
    const error = errorOf(() => made(2).loadState(state));
    expect(error.code).toBe('STATE_UNEXPECTED');
    expect(error.message).toMatch(/tail\.weight \(\[3, 1\]\)/);
  });
});

describe('initial values', () => {
  it('are uniform within 1/√fan-in, for transposed and grouped convolutions by their own weight', () => {
    const cases: [Conv2d | ConvTranspose2d, number[], number][] = [
      [new Conv2d({ in: 8, out: 32, kernel: 3 }), [32, 8, 3, 3], 8 * 9],
      [new Conv2d({ in: 8, out: 32, kernel: 3, groups: 4 }), [32, 2, 3, 3], 2 * 9],
      [new ConvTranspose2d({ in: 32, out: 8, kernel: 2 }), [32, 8, 2, 2], 8 * 4],
    ];
    for (const [layer, shape, fan] of cases) {
      expect(layer.weight.abs().max().item()).toBe(0);
      initialiseModule(layer, 3, 'layer');
      expect(layer.weight.shape).toEqual(shape);
      const bound = 1 / Math.sqrt(fan);
      const largest = layer.weight.abs().max().item();
      expect(largest).toBeLessThanOrEqual(bound * (1 + 1e-6));
      expect(largest).toBeGreaterThan(0.98 * bound);
      // A uniform distribution's standard deviation is its bound over √3.
      expect(layer.weight.pow(2).mean().sqrt().item()).toBeCloseTo(bound / Math.sqrt(3), 1);
      expect((layer.bias as Tensor).abs().max().item()).toBeLessThanOrEqual(bound * (1 + 1e-6));
      expect((layer.bias as Tensor).abs().max().item()).toBeGreaterThan(0);
    }
  });

  it('are equal for equal seeds and names, and differ otherwise', () => {
    expect(fingerprint(made(1).state())).toBe(fingerprint(made(1).state()));
    expect(fingerprint(made(1).state())).not.toBe(fingerprint(made(2).state()));
    const other = new Network();
    initialiseModule(other, 1, 'another');
    expect(fingerprint(other.state())).not.toBe(fingerprint(made(1).state()));
  });

  it('of normalisations are 1 and 0, and parameters start frozen', () => {
    const { 'body.1.weight': weight, 'body.1.bias': bias, ...rest } = values(made().state());
    expect([weight, bias]).toEqual([Array(4).fill(1), Array(4).fill(0)]);
    expect([rest['body.1.running_mean'], rest['body.1.running_var']]).toEqual([Array(4).fill(0), Array(4).fill(1)]);
    expect([...made().parameters().values()].some(({ requiresGrad }) => requiresGrad)).toBe(false);
  });
});

eachDevice('batch normalisation', (device) => {
  // Two channels with means 2.5 and 10, and unbiased variances 5/3 and 0.
  const batch = tensor([1, 2, 10, 10, 3, 4, 10, 10], [2, 2, 1, 2], { device });
  const layerOn = () => {
    const layer = new BatchNorm2d(2);
    layer.to(device);
    return layer;
  };

  it('in training normalises by the batch and moves the running statistics by the momentum', () => {
    const layer = layerOn();
    layer.training = true;
    layer.momentum = 0.25;
    const result = layer.forward(batch).toArray();
    const scale = 1 / Math.sqrt(1.25 + 1e-5); // the biased variance normalises
    [-1.5 * scale, -0.5 * scale, 0, 0, 0.5 * scale, 1.5 * scale, 0, 0].forEach((want, i) => {
      expect(result[i]).toBeCloseTo(want, 3);
    });
    expect([...layer.runningMean.toArray()]).toEqual([0.625, 2.5]);
    const variances = layer.runningVar.toArray();
    expect(variances[0]).toBeCloseTo(0.75 + 0.25 * (5 / 3), 5); // the unbiased variance is remembered
    expect(variances[1]).toBeCloseTo(0.75, 5);
  });

  it('otherwise normalises by the running statistics and leaves them alone', () => {
    const layer = layerOn();
    layer.runningMean.fill_(2);
    layer.runningVar.fill_(4);
    layer.weight.fill_(3);
    layer.bias.fill_(1);
    const result = layer.forward(batch).toArray();
    expect(result[0]).toBeCloseTo((3 * (1 - 2)) / 2 + 1, 4);
    expect(result[2]).toBeCloseTo((3 * (10 - 2)) / 2 + 1, 4);
    expect([...layer.runningMean.toArray(), ...layer.runningVar.toArray()]).toEqual([2, 2, 4, 4]);
  });
});

eachDevice('a network', (device) => {
  it('moves with all its tensors and computes the same', () => {
    const image = ones([1, 1, 4, 4]);
    const network = made();
    const want = network.forward(image).toArray();
    const { weight } = network.head;
    network.to(device);
    for (const value of network.state().values()) expect(value.device).toBe(device);
    expect(network.head.weight).toBe(weight);
    const got = network.forward(image.to({ device })).toArray();
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i], device === 'cpu' ? 5 : 2); // CUDA convolves in TF32
    });
  });
});

describe('states as files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-state-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('come back bit by bit with their metadata', () => {
    const path = join(folder, 'network.safetensors');
    const state = made().state();
    state.set('counter', tensor(new BigInt64Array([2n ** 60n]), []));
    state.set('half', ones([3]).to('bfloat16'));
    writeState(path, state, { method: 'convlora' });
    const read = readState(path);
    expect(read.metadata).toEqual({ method: 'convlora' });
    expect(new Set(read.state.keys())).toEqual(new Set(state.keys()));
    for (const [name, value] of state) {
      expect([read.state.get(name)?.dtype, read.state.get(name)?.shape]).toEqual([value.dtype, value.shape]);
      expect(read.state.get(name)?.toBytes()).toEqual(value.toBytes());
    }
    expect(fingerprint(read.state)).toBe(fingerprint(state));
  });

  it('are mapped: what is not touched is not read', () => {
    const path = join(folder, 'large.safetensors');
    const size = 2 ** 30; // a sparse file: it takes no room on the disk either
    const entries = { few: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } };
    const header = { ...entries, many: { dtype: 'F32', shape: [size / 4], data_offsets: [8, 8 + size] } };
    const json = JSON.stringify(header).padEnd(160);
    const start = Buffer.alloc(8 + json.length + 8);
    start.writeBigUInt64LE(BigInt(json.length));
    start.write(json, 8);
    writeFileSync(path, start);
    truncateSync(path, start.length + size);
    const before = process.memoryUsage().rss;
    const { state } = readState(path);
    expect(
      state
        .get('many')
        ?.narrow(0, size / 4 - 2, 2)
        .sum()
        .item(),
    ).toBe(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(size / 8);
    for (const value of state.values()) value.dispose();
  });

  it('a damaged file is refused by name', () => {
    const path = join(folder, 'damaged.safetensors');
    writeState(path, made().state());
    truncateSync(path, 200);
    expect(errorOf(() => readState(path)).message).toContain('damaged.safetensors');
  });
});

describe('fingerprints', () => {
  const state = (entries: [string, Tensor][]) => new Map(entries);
  const [a, b] = [tensor([1, 2]), tensor([3, 4])];

  it('do not depend on the order, the layout in memory or the machine', () => {
    const square = tensor([1, 3, 2, 4], [2, 2]).transpose(0, 1);
    const print = fingerprint(
      state([
        ['x', a],
        ['y', square],
      ]),
    );
    expect(
      fingerprint(
        state([
          ['y', tensor([1, 2, 3, 4], [2, 2])],
          ['x', a],
        ]),
      ),
    ).toBe(print);
    // SHA-256 of "x float32 2\n" and the eight bytes.
    expect(fingerprint(state([['x', a]]))).toBe('3c275bdde0453240049c986740e86fa6d73ad27bcaa65ffc3a05f20bbacf5118');
  });

  it('differ where a name, a shape, an element type or a bit differs', () => {
    const prints = [
      state([
        ['x', a],
        ['y', b],
      ]),
      state([
        ['x', b],
        ['y', a],
      ]),
      state([
        ['x', a],
        ['z', b],
      ]),
      state([
        ['x', a.view(1, 2)],
        ['y', b],
      ]),
      state([
        ['x', a],
        ['y', b.to('float64')],
      ]),
      state([
        ['x', a],
        ['y', tensor([3, 4.000001])],
      ]),
    ].map(fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
  });
});
