/** MA-SAM's adapters: what they compute across slices, and that windows do not mix. */
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { UNet2D } from '../../src/networks/unet2d/index.js';
import { countElements } from '../../src/nn/index.js';
import { attachSliceAdapters } from '../../src/peft/index.js';
import { gelu, layerNorm, linear, noGrad, scope, type Tensor, tensor } from '../../src/torch/index.js';
import { SmallTransformer } from './contract.js';

type Slot = { adapter: { beforeAttention(tokens: Tensor): Tensor; afterAttention(tokens: Tensor): Tensor } };
const { normal } = random(2, 'tokens');
/** Two windows of three slices, 2×2 tokens of 16 channels. */
const tokens = tensor(
  Array.from({ length: 6 * 4 * 16 }, () => normal()),
  [6, 2, 2, 16],
);

const adapted = (slices = 3) => {
  const network = new SmallTransformer();
  const adapter = attachSliceAdapters(network, { slices, channels: 5, init: 'reference' }, 1);
  const block = new Map(network.modules()).get('image_encoder.blocks.0') as unknown as Slot;
  const at = (name: string) => network.parameters().get(`image_encoder.blocks.0.adapter_${name}`) as Tensor;
  return { network, adapter, block: block.adapter, at };
};

describe('adapters across slices', () => {
  it('have 2 × (C + C + 2·C·c + 3·c² + c) parameters a block; c is half of C by default', () => {
    const network = new SmallTransformer();
    const [C, c] = [16, 8];
    const { parameters } = attachSliceAdapters(network);
    expect(countElements(parameters())).toBe(2 * 2 * (2 * C + 2 * C * c + 3 * c * c + c));
    expect(network.parameters().get('image_encoder.blocks.1.adapter_conv_2.weight')?.shape).toEqual([c, c, 3, 1, 1]);
  });

  it('compute x + up(GELU(conv(down(norm(x))))), the convolution over the slices of a window with zeros around', () => {
    const { block, at } = adapted();
    const reduced = linear(layerNorm(tokens, at('norm.weight'), at('norm.bias'), 1e-6), at('linear_down.weight'));
    const slice = (window: number, d: number) => reduced.select(0, 3 * window + d); // [2, 2, 5]
    const tap = (k: number) => at('conv.weight').select(2, k).reshape(5, 5);
    const got = block.beforeAttention(tokens);
    for (const window of [0, 1])
      for (const d of [0, 1, 2]) {
        let mixed = at('conv.bias').reshape(1, 1, 5);
        for (const k of [0, 1, 2]) {
          const other = d + k - 1;
          if (other >= 0 && other <= 2) mixed = mixed.add(linear(slice(window, other), tap(k)));
        }
        const n = 3 * window + d;
        const want = tokens.select(0, n).add(linear(gelu(mixed), at('linear_up.weight')));
        expect(got.select(0, n).sub(want).abs().max().item()).toBeLessThan(1e-5);
      }
  });

  it('keep windows apart, and the second adapter has weights of its own', () => {
    const { block } = adapted();
    const changed = tokens.clone();
    noGrad(() => changed.select(0, 1).fill_(9));
    const moved = block.beforeAttention(changed).sub(block.beforeAttention(tokens));
    const distances = Array.from({ length: 6 }, (_, n) => moved.select(0, n).norm().item());
    expect(distances.map((x) => x > 0)).toEqual([true, true, true, false, false, false]);
    expect(block.afterAttention(tokens).toArray()).not.toEqual(block.beforeAttention(tokens).toArray());
  });

  it('work inside the encoder, where a batch must be whole windows', () => {
    const { network } = adapted();
    const images = (count: number) => tensor(new Float32Array(count * 3 * 32 * 32).fill(0.5), [count, 3, 32, 32]);
    expect(scope(() => network.forward(images(6)).shape)).toEqual([6, 4, 32]);
    expect(() => network.forward(images(4))).toThrow(/A batch of 4 slices does not divide into windows of 3/);
  });

  it('are refused where there is no transformer', () => {
    const unet = new UNet2D({ inChannels: 1, outChannels: 1, filters: 2 });
    expect(() => attachSliceAdapters(unet)).toThrow(expect.objectContaining({ code: 'ADAPTER_PLACE' }));
  });
});
