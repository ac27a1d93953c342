/** ConvLoRA: how many parameters, what the update is, which convolutions are adapted and what is trained. */
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { encoderBlocks, UNet2D, unetAdapterSchema, unetPlans } from '../../src/networks/unet2d/index.js';
import { Conv2d, ConvTranspose2d, countElements, initialiseModule, Sequential } from '../../src/nn/index.js';
import { applyPlan, attachConvLora, convLoraSchema } from '../../src/peft/index.js';
import { noGrad, type Tensor, tensor } from '../../src/torch/index.js';
import { smallNetwork } from './contract.js';

const numbers = (shape: number[], ...key: (string | number)[]): Tensor => {
  const { normal } = random(3, ...key);
  return tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => normal()),
    shape,
  );
};

describe('parameters: r·k²·(in + out) for each convolution', () => {
  const count = (inChannels: number, blocks: readonly string[], config = {}) =>
    countElements(attachConvLora(new UNet2D({ inChannels, outChannels: 1, filters: 16 }), blocks, config).parameters());

  it.each([
    ['the first block', 1, ['init_path'], {}, 3_762],
    ['the encoder', 1, encoderBlocks, {}, 54_834],
    ['the encoder of a network for three channels', 3, encoderBlocks, {}, 54_870],
    // Without the three 2×2 convolutions that halve the resolution: 2·4·(48 + 96 + 192) fewer.
    ["the encoder's 3×3 convolutions", 1, encoderBlocks, { kernels: [3] }, 52_146],
    ["the encoder's 3×3 convolutions for three channels", 3, encoderBlocks, { kernels: [3] }, 52_182],
    ['the first block with rank 8', 1, ['init_path'], { rank: 8 }, 15_048],
  ])('%s', (_, inChannels, blocks, config, want) => {
    expect(count(inChannels, blocks, config)).toBe(want);
  });

  it('by hand: three down blocks and a stem', () => {
    const conv = (kernel: number, inputs: number, out: number) => 2 * kernel ** 2 * (inputs + out);
    const residuals = (channels: number) => 6 * conv(3, channels, channels);
    const down = (channels: number) => conv(2, channels, 2 * channels) + residuals(2 * channels);
    expect(conv(3, 1, 16) + residuals(16)).toBe(3_762);
    expect(conv(3, 1, 16) + residuals(16) + down(16) + down(32) + down(64)).toBe(54_834);
  });
});

describe('the update', () => {
  const rank = 2;
  const alpha = 3;
  const cases: [string, Conv2d | ConvTranspose2d, number[]][] = [
    ['an ordinary convolution', new Conv2d({ in: 3, out: 5, kernel: 3, padding: 1 }), [1, 3, 6, 6]],
    ['a strided one', new Conv2d({ in: 3, out: 4, kernel: 2, stride: 2, bias: false }), [1, 3, 6, 6]],
    ['a grouped one', new Conv2d({ in: 4, out: 6, kernel: 3, groups: 2 }), [1, 4, 6, 6]],
    ['a transposed one', new ConvTranspose2d({ in: 4, out: 2, kernel: 2, stride: 2 }), [1, 4, 3, 3]],
    ['one that is not square', new ConvTranspose2d({ in: 4, out: 3, kernel: [2, 1], stride: [2, 1] }), [1, 4, 3, 3]],
    ['a grouped transposed one', new ConvTranspose2d({ in: 4, out: 6, kernel: 2, groups: 2 }), [1, 4, 3, 3]],
  ];

  it.each(cases)('of %s is B·A read in flat row-major order, times alpha / rank', (_, convolution, inputShape) => {
    initialiseModule(convolution, 1, 'convolution');
    const network = new Sequential(convolution);
    const adapter = attachConvLora(network, ['0'], { rank, alpha });
    const [a, b] = ['0.lora_A', '0.lora_B'].map((name) => network.parameters().get(name) as Tensor);
    const { in: inputs, out, groups = 1 } = convolution.config;
    const [, , kernelRows, kernelColumns] = convolution.weight.shape;
    expect(a.shape).toEqual([rank * kernelColumns, inputs * kernelColumns]);
    expect(b.shape).toEqual([(out / groups) * kernelRows, rank * kernelColumns]);
    noGrad(() => b.copy_(numbers(b.shape, 'B')));

    const [left, right] = [b.toArray(), a.toArray()];
    const [inner, columns] = [rank * kernelColumns, inputs * kernelColumns];
    const want = [...convolution.weight.toArray()].map((weight, flat) => {
      const [row, column] = [Math.floor(flat / columns), flat % columns];
      let product = 0;
      for (let k = 0; k < inner; k++) product += left[row * inner + k] * right[k * columns + column];
      return weight + (alpha / rank) * product;
    });
    const input = numbers(inputShape, 'input');
    const unmerged = convolution.forward(input).toArray();
    adapter.merge();
    [...convolution.weight.toArray()].forEach((value, i) => {
      expect(value).toBeCloseTo(want[i], 4);
    });
    convolution
      .forward(input)
      .toArray()
      .forEach((value, i) => {
        expect(unmerged[i]).toBeCloseTo(value, 4);
      });
  });

  it('starts with A as a linear layer has it and B zero', () => {
    const network = smallNetwork();
    attachConvLora(network, ['down3'], { rank: 4 });
    for (const [name, value] of network.parameters()) {
      if (name.endsWith('lora_B')) expect(value.abs().max().item()).toBe(0);
      if (!name.endsWith('lora_A')) continue;
      const bound = 1 / Math.sqrt(value.shape[1]);
      expect(value.abs().max().item()).toBeLessThanOrEqual(bound * (1 + 1e-6));
      expect(value.abs().max().item()).toBeGreaterThan(0.8 * bound);
    }
  });

  it('is scaled by alpha / rank; alpha is the rank where it is not given', () => {
    const change = (config: { rank?: number; alpha?: number }) => {
      const convolution = new Conv2d({ in: 1, out: 1, kernel: 1 });
      const network = new Sequential(convolution);
      const adapter = attachConvLora(network, ['0'], config);
      for (const value of adapter.parameters()) value.fill_(1);
      adapter.merge();
      return convolution.weight.item();
    };
    // B·A sums one product for each of the rank's rows.
    expect(change({})).toBe(2);
    expect(change({ rank: 4 })).toBe(4);
    expect(change({ rank: 4, alpha: 1 })).toBe(1);
  });
});

describe('what is adapted and trained', () => {
  it('the convolutions of the named blocks, nothing else', () => {
    const network = smallNetwork();
    attachConvLora(network, ['init_path', 'up1']);
    const names = [...network.parameters().keys()].filter((name) => name.includes('lora'));
    expect(new Set(names.map((name) => name.split('.')[0]))).toEqual(new Set(['init_path', 'up1']));
    expect(names).toContain('init_path.0.lora_A');
    expect(names).toContain('init_path.2.conv_path.0.layer.lora_B');
    expect(names).toContain('up1.4.lora_A'); // transposed
    expect(names.length).toBe(2 * (7 + 7));
  });

  it('trained are the factors and the affine normalisation of the residual units in these blocks', () => {
    const network = smallNetwork();
    const options = unetAdapterSchema.parse({ blocks: ['init_path', 'down1'] });
    const { attached, trained } = applyPlan(network, unetPlans.convlora, options);
    const names = [...trained.keys()];
    const affine = names.filter((name) => !name.includes('lora'));
    expect(affine.length).toBe(2 * (6 + 6));
    expect(affine.every((name) => /^(init_path|down1)\..*\.bn\.(weight|bias)$/.test(name))).toBe(true);
    expect(names.length - affine.length).toBe(attached!.parameters().size);
  });

  it('refuses where nothing fits, and where one block carries an adapter leaves the others alone', () => {
    const network = smallNetwork();
    const code = (blocks: string[], config = {}) => {
      try {
        attachConvLora(network, blocks, config);
      } catch (error) {
        return (error as { code: string }).code;
      }
      return 'attached';
    };
    expect(code(['nowhere'])).toBe('ADAPTER_EMPTY');
    expect(code(['init_path'], { kernels: [7] })).toBe('ADAPTER_EMPTY');
    expect(code(['down1'])).toBe('attached');
    expect(code(['init_path', 'down1'])).toBe('ADAPTER_ATTACHED');
    expect([...network.parameters().keys()].some((name) => name.startsWith('init_path') && name.includes('lora'))).toBe(
      false,
    );
    expect(code(['init_path'])).toBe('attached');
  });

  it('its configuration refuses what makes no sense', () => {
    expect(convLoraSchema.parse({})).toEqual({ rank: 2 });
    for (const bad of [{ rank: 0 }, { alpha: 0 }, { kernels: [0] }, { ranks: 2 }])
      expect(convLoraSchema.safeParse(bad).success).toBe(false);
  });
});
