/** FacT-TT: shared factors, the update, the count. */
import { describe, expect, it } from 'vitest';
import { UNet2D } from '../../src/networks/unet2d/index.js';
import { countElements, type Linear } from '../../src/nn/index.js';
import { attachFact } from '../../src/peft/index.js';
import { noGrad, ones, type Tensor } from '../../src/torch/index.js';
import { SmallTransformer } from './contract.js';

describe('FacT', () => {
  it('shares U and V among the blocks: 2·C·r and 2·r² for each block', () => {
    const network = new SmallTransformer();
    const before = new Set(network.parameters().keys());
    const adapter = attachFact(network, { rank: 4 });
    expect([...network.parameters().keys()].filter((name) => !before.has(name))).toEqual([
      'image_encoder.FacTu.weight',
      'image_encoder.FacTv.weight',
      ...[0, 1].flatMap((i) => ['q', 'v'].map((x) => `image_encoder.blocks.${i}.attn.qkv.${x}_FacTs.weight`)),
    ]);
    expect(countElements(adapter.parameters())).toBe(2 * 16 * 4 + 2 * 2 * 4 * 4);
  });

  it('adds s·V·Σ·U·x to q and v, not to k', () => {
    const network = new SmallTransformer();
    attachFact(network, { rank: 2, scale: 0.5 });
    const state = network.parameters();
    const at = (name: string) => state.get(`image_encoder.${name}`) as Tensor;
    noGrad(() => at('FacTv.weight').fill_(1));
    const qkv = new Map(network.modules()).get('image_encoder.blocks.1.attn.qkv') as Linear;
    const input = ones([1, 16]);
    const change = qkv.forward(input).sub(qkv.plain(input)).toArray();
    const want = (letter: string) =>
      at(`blocks.1.attn.qkv.${letter}_FacTs.weight`)
        .matmul(at('FacTu.weight'))
        .matmul(input.transpose(0, 1))
        .sum()
        .mul(0.5)
        .item();
    for (let i = 0; i < 16; i++) {
      expect(change[i]).toBeCloseTo(want('q'), 4);
      expect(change[16 + i]).toBe(0);
      expect(change[32 + i]).toBeCloseTo(want('v'), 4);
    }
  });

  it('drops channels while training', () => {
    const network = new SmallTransformer();
    const adapter = attachFact(network, { rank: 8, dropout: 0.5 });
    noGrad(() => network.parameters().get('image_encoder.FacTv.weight')?.fill_(1));
    const qkv = new Map(network.modules()).get('image_encoder.blocks.0.attn.qkv') as Linear;
    const output = (seed?: number) => {
      adapter.setDropout(seed);
      return qkv.forward(ones([3, 16])).toArray();
    };
    expect(output(1)).toEqual(output(1));
    expect(output(1)).not.toEqual(output());
  });

  it('is refused where there is no transformer', () => {
    const unet = new UNet2D({ inChannels: 1, outChannels: 1, filters: 2 });
    expect(() => attachFact(unet)).toThrow(expect.objectContaining({ code: 'ADAPTER_PLACE' }));
  });
});
