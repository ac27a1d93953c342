/** LoRA and DoRA: what the update is, what it is called, where it goes, how it starts and what dropout drops. */
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { initialiseModule, Linear, Module } from '../../src/nn/index.js';
import { attachLora, type LoraConfig, loraSchema } from '../../src/peft/index.js';
import { autocast, noGrad, scope, softmax, type Tensor, tensor } from '../../src/torch/index.js';
import { SmallTransformer, slices } from './contract.js';

const numbers = (shape: number[], ...key: (string | number)[]): Tensor => {
  const { normal } = random(5, ...key);
  return tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => normal()),
    shape,
  );
};

/** A fused attention's projection from 6 channels and one of its own, of 6 to 4, each alone in a network. */
class Attention extends Module {
  readonly qkv: Linear;
  constructor() {
    super();
    this.qkv = this.child('qkv', new Linear(6, 18));
    initialiseModule(this, 1, 'attention');
  }
}
class Plain extends Module {
  readonly layer: Linear;
  constructor(bias = true) {
    super();
    this.layer = this.child('lin', new Linear(6, 4, { bias }));
    initialiseModule(this, 1, 'plain');
  }
}

/** Fills every tensor of the adapter with numbers that are not special. */
function fill(network: Module, own: Set<Tensor>): Map<string, Tensor> {
  const filled = new Map([...network.parameters()].filter(([, value]) => own.has(value)));
  noGrad(() => {
    for (const [name, value] of filled) value.copy_(numbers(value.shape, name).mul(0.3).add(0.5));
  });
  return filled;
}
const close = (got: Tensor, want: Tensor, digits = 5) => {
  expect(got.shape).toEqual(want.shape);
  expect(got.sub(want).abs().max().item()).toBeLessThan(10 ** -digits * want.abs().max().item());
};
const columnNorms = (weight: Tensor) => weight.pow(2).sum([0], true).sqrt();

describe('the update', () => {
  const input = numbers([2, 3, 6], 'input');

  it('of q and v in a fused layer is s·B·A on the first and the last third; k stays as it is', () => {
    const attention = new Attention();
    const adapter = attachLora(attention, { rank: 2, scale: 1.5 });
    const own = fill(attention, adapter.parameters());
    expect([...own.keys()].sort()).toEqual([
      'lora_w_a_q.0.weight',
      'lora_w_a_v.0.weight',
      'lora_w_b_q.0.weight',
      'lora_w_b_v.0.weight',
    ]);
    const { weight, bias } = attention.qkv;
    const part = (at: number, letter: string) => {
      const [a, b] = ['a', 'b'].map((factor) => own.get(`lora_w_${factor}_${letter}.0.weight`) as Tensor);
      expect([a.shape, b.shape]).toEqual([
        [2, 6],
        [6, 2],
      ]);
      return weight.narrow(0, at, 6).add(b.matmul(a).mul(1.5));
    };
    const got = attention.qkv.forward(input);
    const base = attention.qkv.plain(input);
    const want = (at: number, matrix: Tensor) =>
      input.matmul(matrix.transpose(0, 1)).add((bias as Tensor).narrow(0, at, 6));
    close(got.narrow(-1, 0, 6), want(0, part(0, 'q')));
    close(got.narrow(-1, 12, 6), want(12, part(12, 'v')));
    expect(got.narrow(-1, 6, 6).toArray()).toEqual(base.narrow(-1, 6, 6).toArray());
  });

  it('of several is their sum, weighted by softmax(sigmoid(lora_scale))', () => {
    const network = new Plain();
    const own = fill(network, attachLora(network, { rank: 2, count: 3, scale: 2, targets: ['lin'] }).parameters());
    const at = (name: string) => own.get(`lin.${name}`) as Tensor;
    expect(at('lora_scale').shape).toEqual([3]);
    const mixing = softmax(at('lora_scale').sigmoid(), 0);
    const update = [0, 1, 2]
      .map((i) =>
        at(`lora_w_b.${i}.weight`)
          .matmul(at(`lora_w_a.${i}.weight`))
          .mul(mixing.select(0, i)),
      )
      .reduce((sum, each) => sum.add(each));
    const weight = network.layer.weight.add(update.mul(2));
    close(network.layer.forward(input), input.matmul(weight.transpose(0, 1)).add(network.layer.bias as Tensor));
  });

  it("of DoRA gives every column of W + s·B·A the learned norm, with the dense form's gradients", () => {
    const network = new Plain();
    const adapter = attachLora(network, { rank: 2, scale: 0.7, kind: 'dora', targets: ['lin'] });
    const { weight } = network.layer;
    close(network.parameters().get('lin.dora_m') as Tensor, columnNorms(weight));
    const own = fill(network, adapter.parameters());
    for (const value of own.values()) value.requiresGrad = true;
    const [a, b, m] = ['lora_w_a.0.weight', 'lora_w_b.0.weight', 'dora_m'].map(
      (name) => own.get(`lin.${name}`) as Tensor,
    );
    const gradients = (output: Tensor) => {
      output.mul(numbers(output.shape, 'upstream')).sum().backward();
      return [a, b, m].map((value) => {
        const { grad } = value;
        value.grad = undefined;
        return grad as Tensor;
      });
    };
    const got = network.layer.forward(input);
    const moved = weight.add(b.matmul(a).mul(0.7));
    const dense = moved.div(columnNorms(moved)).mul(m);
    const want = input.matmul(dense.transpose(0, 1)).add(network.layer.bias as Tensor);
    close(got, want);
    const expected = gradients(want);
    gradients(got).forEach((gradient, i) => {
      close(gradient, expected[i], 4);
    });
  });

  it('is close to itself under bfloat16', () => {
    for (const kind of ['lora', 'dora'] as const) {
      const network = new Plain(false);
      fill(network, attachLora(network, { rank: 2, kind, targets: ['lin'] }).parameters());
      const exact = network.layer.forward(input);
      close(autocast(() => network.layer.forward(input)).to('float32'), exact, 1.5);
    }
  });
});

describe('the start', () => {
  const factors = (config: LoraConfig, letter: string) => {
    const network = new SmallTransformer();
    attachLora(network, { rank: 9, ...config });
    return [...network.parameters()].filter(([name]) => name.includes(`lora_w_${letter}_`));
  };
  const uniformWithin = (name: string, value: Tensor, bound: number) => {
    expect(value.abs().max().item(), name).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(value.abs().max().item(), name).toBeGreaterThan(0.8 * bound);
  };

  it('A is a linear layer’s weight; B is zero, or in the reference’s way a linear layer’s, too', () => {
    for (const init of ['zero-b', 'reference'] as const)
      for (const [name, a] of factors({ init }, 'a')) uniformWithin(name, a, 1 / Math.sqrt(a.shape[1]));
    for (const [name, b] of factors({}, 'b')) expect(b.abs().max().item(), name).toBe(0);
    for (const [name, b] of factors({ init: 'reference' }, 'b')) uniformWithin(name, b, 1 / 3);
  });
});

describe('where it goes', () => {
  const adapted = (targets: string[]) => {
    const network = new SmallTransformer();
    attachLora(network, { rank: 1, targets });
    return [...network.parameters().keys()].filter((name) => name.includes('lora_w_a'));
  };

  it('by default q and v of every attention', () => {
    expect(adapted(['q', 'v'])).toEqual([
      'image_encoder.blocks.0.attn.lora_w_a_q.0.weight',
      'image_encoder.blocks.0.attn.lora_w_a_v.0.weight',
      'image_encoder.blocks.1.attn.lora_w_a_q.0.weight',
      'image_encoder.blocks.1.attn.lora_w_a_v.0.weight',
      'mask_decoder.attn.lora_w_a_q.0.weight',
      'mask_decoder.attn.lora_w_a_v.0.weight',
    ]);
    expect(loraSchema.parse({}).targets).toEqual(['q', 'v']);
  });

  it('or the layers whose paths have the words', () => {
    expect(adapted(['image_encoder.k'])).toEqual(
      [0, 1].map((i) => `image_encoder.blocks.${i}.attn.lora_w_a_k.0.weight`),
    );
    expect(adapted(['blocks.1.lin2', 'out_proj'])).toEqual([
      'image_encoder.blocks.1.mlp.lin2.lora_w_a.0.weight',
      'mask_decoder.attn.out_proj.lora_w_a.0.weight',
    ]);
    expect(adapted(['attn.qkv'])).toHaveLength(2);
  });

  it('refuses a name that fits nothing, saying what there is, and a layer that is named twice', () => {
    expect(() => adapted(['q', 'lin3'])).toThrow(/under the name lin3\. Linear layers here are called .*lin1, lin2/);
    expect(() => adapted(['mask_decoder.lin1'])).toThrow(expect.objectContaining({ code: 'ADAPTER_TARGET' }));
    expect(() => adapted(['q', 'qkv'])).toThrow(expect.objectContaining({ code: 'ADAPTER_ATTACHED' }));
  });

  it('its configuration refuses what makes no sense', () => {
    const bad = [{ rank: 0 }, { scale: 0 }, { dropout: 1 }, { count: 0 }, { targets: [] }, { kind: 'dora', count: 2 }];
    for (const config of bad) expect(loraSchema.safeParse(config).success, JSON.stringify(config)).toBe(false);
  });
});

describe('dropout', () => {
  const network = new SmallTransformer();
  const adapter = attachLora(network, { rank: 4, dropout: 0.5, init: 'reference' });
  const image = slices();
  const output = (seed?: number) => {
    adapter.setDropout(seed);
    return scope(() => noGrad(() => network.forward(image).toArray()));
  };

  it('follows from the seed alone, and is off without one', () => {
    const [off, one, again, other] = [output(), output(1), output(1), output(2)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(off).not.toEqual(one);
    expect(output()).toEqual(off);
  });

  it('leaves the base alone and the update right on average', () => {
    const plain = new Plain();
    const own = attachLora(plain, { rank: 2, dropout: 0.25, targets: ['lin'], init: 'reference' });
    const input = numbers([1, 6], 'input').expand(4000, 6);
    const exact = plain.layer.forward(input).narrow(0, 0, 1);
    own.setDropout(3);
    const mean = plain.layer.forward(input).mean([0], true);
    const without = plain.layer.plain(input).narrow(0, 0, 1);
    const [update, error] = [exact.sub(without), mean.sub(exact)].map((x) => x.norm().item());
    expect(error).toBeLessThan(0.1 * update);
    const seen = new Set([...plain.layer.forward(input).sub(plain.layer.plain(input)).narrow(1, 0, 1).toArray()]);
    expect(seen.size).toBeGreaterThan(30); // of at most 2⁶ masks
  });
});
