/** The U-Net and its early head: sizes, names and shapes are those of the reference code. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/formats/index.js';
import { EarlyHead, UNet2D, unet2dSchema } from '../../src/networks/unet2d/index.js';
import { BatchNorm2d, countElements, initialiseModule } from '../../src/nn/index.js';
import { noGrad, ones, scope, type Tensor } from '../../src/torch/index.js';
import { root } from '../child.js';
import { eachDevice } from '../devices.js';

const tiny = { inChannels: 1, outChannels: 1, filters: 2 };

describe('with 16 filters', () => {
  const network = new UNet2D(unet2dSchema.parse({}));
  const norms = [...network.modules()].map(([, module]) => module).filter((module) => module instanceof BatchNorm2d);

  it('each block has the parameters of the reference', () => {
    const counts: Record<string, number> = {};
    for (const [name, value] of network.parameters()) {
      const block = name.split('.')[0];
      counts[block] = (counts[block] ?? 0) + value.size;
    }
    expect(counts).toEqual({
      init_path: 14_160,
      shortcut0: 272,
      down1: 57_760,
      shortcut1: 1_056,
      down2: 230_208,
      shortcut2: 4_160,
      down3: 919_168,
      up3: 919_296,
      up2: 230_272,
      up1: 57_792,
      out_path: 627,
    });
    expect(countElements(network.parameters().values())).toBe(2_434_771);
  });

  it('there are 52 batch normalisations with 6,338 affine parameters and as many running values', () => {
    expect(norms.length).toBe(52);
    expect(countElements(norms.flatMap(({ weight, bias }) => [weight, bias]))).toBe(6_338);
    expect(countElements(network.buffers().values())).toBe(6_338);
  });

  it('the early heads have 2,725, 4,453, 7,909 and 14,821 parameters', () => {
    const counts = [0, 1, 2, 3].map((level) =>
      countElements(new EarlyHead(level, network.config).parameters().values()),
    );
    expect(counts).toEqual([2_725, 4_453, 7_909, 14_821]);
  });
});

describe('names', () => {
  it("are the reference code's, for the network and its heads", () => {
    const { tensors } = readSafetensors(join(root, 'test/golden/unet2d/tensors.safetensors'));
    const golden = (prefix: string) =>
      Object.fromEntries(
        [...tensors]
          .filter(([name]) => name.startsWith(prefix) && !name.endsWith('num_batches_tracked'))
          .map(([name, { shape }]) => [name.slice(prefix.length), shape]),
      );
    const shapes = (state: Map<string, Tensor>) =>
      Object.fromEntries([...state].map(([name, { shape }]) => [name, shape]));
    const config = { inChannels: 1, outChannels: 1, filters: 4 };
    expect(Object.keys(golden('weights.')).length).toBeGreaterThan(100);
    expect(shapes(new UNet2D(config).state())).toEqual(golden('weights.'));
    for (const level of [0, 1, 2, 3])
      expect(shapes(new EarlyHead(level, config).state())).toEqual(golden(`head${level}.`));
  });
});

eachDevice('shapes', (device) => {
  it.each([
    [1, 8, 24],
    [2, 40, 8],
    [3, 24, 56],
  ])('%d images of %d × %d: every level halves them, the logits have their size', (batch, height, width) => {
    const config = { inChannels: 2, outChannels: 3, filters: 2 };
    const network = new UNet2D(config);
    initialiseModule(network, 1, 'network');
    network.to(device);
    scope(() =>
      noGrad(() => {
        const image = ones([batch, 2, height, width], { device });
        const features = network.encode(image);
        expect(features.map(({ shape }) => shape)).toEqual(
          [0, 1, 2, 3].map((level) => [batch, 2 * 2 ** level, height / 2 ** level, width / 2 ** level]),
        );
        expect(network.logits(features).shape).toEqual([batch, 3, height, width]);
        expect(network.encode(image, 2).length).toBe(2);
        for (const level of [0, 1, 2, 3]) {
          const head = new EarlyHead(level, config);
          head.to(device);
          expect(head.forward(features[level]).shape).toEqual([batch, 3, height, width]);
        }
      }),
    );
  });
});

describe('a network', () => {
  it('is repeatable by its seed and computes the same for each image of a batch as alone', () => {
    const network = new UNet2D(tiny);
    initialiseModule(network, 1, 'network');
    const image = ones([1, 1, 8, 8]);
    image.narrow(3, 0, 3).fill_(-1);
    const alone = network.forward(image).toArray();
    expect(new Set(alone).size).toBeGreaterThan(1);
    const again = new UNet2D(tiny);
    initialiseModule(again, 1, 'network');
    expect(again.forward(image).toArray()).toEqual(alone);
    const together = network.forward(image.expand(2, 1, 8, 8)).toArray();
    alone.forEach((value, i) => {
      expect(together[i]).toBeCloseTo(value, 4);
      expect(together[64 + i]).toBeCloseTo(value, 4);
    });
  });

  it('refuses configurations that make no sense', () => {
    expect(unet2dSchema.parse({})).toEqual({ inChannels: 1, outChannels: 1, filters: 16 });
    for (const bad of [{ filters: 0 }, { inChannels: 1.5 }, { channels: 1 }])
      expect(unet2dSchema.safeParse(bad).success).toBe(false);
  });
});
