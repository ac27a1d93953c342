/** Adaptive batch normalisation: whose statistics normalise, and that nothing stays switched. */
import { describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { BatchNorm2d, fingerprint, type Module, Sequential } from '../../src/nn/index.js';
import { batchNorms, recomputeStatistics, setBatchStatistics, statisticsSchema } from '../../src/peft/index.js';
import { memoryStatistics, noGrad, ones, type Tensor, tensor } from '../../src/torch/index.js';
import { images, outputOf, smallNetwork } from './contract.js';

/** Three batches of one channel, [1, 1, 1, 4]. */
const batches = [
  [1, 2, 3, 4],
  [10, 10, 20, 20],
  [-5, 0, 0, 5],
];
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values: number[]) =>
  values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1);
const recompute = (network: Module, forward: (images: Tensor) => unknown, batches: Iterable<Tensor>) => {
  const weighted = function* () {
    for (const images of batches) yield { images, weight: 1 };
  };
  runWithoutPauses(recomputeStatistics(network, forward, weighted()));
};
const asTensors = () => batches.map((values) => tensor(values, [1, 1, 1, 4]));
const lone = () => {
  const norm = new BatchNorm2d(1);
  norm.runningMean.fill_(100);
  norm.runningVar.fill_(100);
  return { norm, network: new Sequential(norm) };
};

describe('recompute', () => {
  it('replaces the statistics by the plain mean over batches of their means and unbiased variances', () => {
    const { norm, network } = lone();
    recompute(network, (batch) => network.forward(batch), asTensors());
    expect(norm.runningMean.item()).toBeCloseTo(mean(batches.map(mean)), 4);
    expect(norm.runningVar.item()).toBeCloseTo(mean(batches.map(variance)), 3);
  });

  it('gives the same for the same batches, whatever the statistics were before', () => {
    const image = images();
    const runs = [0, 5].map((before) => {
      const network = smallNetwork();
      for (const [, { runningMean }] of batchNorms(network)) runningMean.fill_(before);
      recompute(network, (batch) => network.forward(batch), [image, images(2)]);
      return fingerprint(network.buffers());
    });
    expect(runs[0]).toBe(runs[1]);
  });

  it('changes the running statistics alone, restores momentum and leaves training off', () => {
    const network = smallNetwork();
    const parameters = fingerprint(network.parameters());
    const buffers = fingerprint(network.buffers());
    for (const [, layer] of batchNorms(network)) layer.momentum = 0.3;
    recompute(network, (batch) => network.forward(batch), [images()]);
    expect(fingerprint(network.parameters())).toBe(parameters);
    expect(fingerprint(network.buffers())).not.toBe(buffers);
    for (const [, layer] of batchNorms(network)) expect([layer.training, layer.momentum]).toEqual([false, 0.3]);
  });

  it('leaves nothing in training mode when the network or the data fails', () => {
    const network = smallNetwork();
    const failing = [
      () =>
        recompute(network, () => {
          throw new Error('stop');
        }, [images()]),
      () =>
        recompute(
          network,
          (batch) => network.forward(batch),
          (function* () {
            yield images();
            throw new Error('stop');
          })(),
        ),
    ];
    for (const run of failing) {
      expect(run).toThrow('stop');
      for (const [, layer] of batchNorms(network)) expect([layer.training, layer.momentum]).toEqual([false, 0.1]);
    }
    const image = ones([1, 1, 16, 16]);
    expect(outputOf(network, image)).toEqual(outputOf(network, image));
  });

  it('records nothing for gradients and keeps nothing', () => {
    const { norm, network } = lone();
    norm.weight.requiresGrad = true;
    const data = asTensors();
    const before = memoryStatistics().tensors;
    let recorded = true;
    recompute(
      network,
      (batch) => {
        recorded = network.forward(batch).requiresGrad;
      },
      data,
    );
    expect(recorded).toBe(false);
    expect(memoryStatistics().tensors).toBe(before);
  });

  it('without batches changes nothing', () => {
    const { norm, network } = lone();
    recompute(network, () => 0, []);
    expect([norm.runningMean.item(), norm.training]).toEqual([100, false]);
  });

  it('counts a batch by its weight', () => {
    const { norm, network } = lone();
    const weighted = asTensors().map((images, i) => ({ images, weight: [1, 2, 0.5][i] }));
    runWithoutPauses(recomputeStatistics(network, (images) => network.forward(images), weighted));
    const [a, b, c] = batches.map(mean);
    expect(norm.runningMean.item()).toBeCloseTo((a + 2 * b + 0.5 * c) / 3.5, 4);
  });

  it('leaves a share of the statistics that were there', () => {
    const { norm, network } = lone();
    const all = asTensors().map((images) => ({ images, weight: 1 }));
    runWithoutPauses(recomputeStatistics(network, (images) => network.forward(images), all));
    const [mean, variance] = [norm.runningMean.item(), norm.runningVar.item()];
    const half = lone();
    runWithoutPauses(recomputeStatistics(half.network, (images) => half.network.forward(images), all, 0.5));
    expect(half.norm.runningMean.item()).toBeCloseTo((100 + mean) / 2, 4);
    expect(half.norm.runningVar.item()).toBeCloseTo((100 + variance) / 2, 4);
  });

  it('takes no variance from a single value', () => {
    const { norm, network } = lone();
    recompute(network, (batch) => network.forward(batch), [tensor([7], [1, 1, 1, 1])]);
    expect([norm.runningMean.item(), norm.runningVar.item()]).toEqual([100, 100]);
  });
});

describe('batch statistics', () => {
  it('on: each batch normalises itself and moves the running ones by the momentum; off: they stay', () => {
    const { norm, network } = lone();
    const [batch] = asTensors();
    setBatchStatistics(network, true, 0.5);
    const output = network.forward(batch);
    expect(output.mean().item()).toBeCloseTo(0, 5);
    expect(norm.runningMean.item()).toBeCloseTo(50 + 0.5 * 2.5, 4);
    setBatchStatistics(network, false);
    const fixed = noGrad(() => network.forward(batch));
    expect(fixed.mean().item()).toBeLessThan(-1);
    expect(norm.runningMean.item()).toBeCloseTo(51.25, 4);
  });

  it('the policies have names', () => {
    expect(
      ['frozen', 'ema', 'recompute', 'interpolate'].every((name) => statisticsSchema.safeParse(name).success),
    ).toBe(true);
    expect(statisticsSchema.safeParse('batch').success).toBe(false);
  });
});
