/** Linear layers: `graft::linear` computes what `aten::linear` does, whichever library multiplies. */
import { describe, expect, it } from 'vitest';
import { Generator, linear, operator, scope, type Tensor } from '../../src/torch/index.js';

const randn = operator('aten::randn.generator') as (shape: number[], options: { generator: Generator }) => Tensor;
const reference = operator('aten::linear') as typeof linear;

/** Largest difference, relative to the largest value. */
function difference(a: Tensor, b: Tensor): number {
  const largest = a.sub(b).abs().max().item();
  return largest === 0 ? 0 : largest / b.abs().max().item();
}

describe.each([
  ['large', [3, 70, 384], 512],
  ['small', [3, 7, 8], 5],
  ['empty', [0, 8], 5],
])('a %s product', (_, shape, out) => {
  const inputs = shape.at(-1)!;
  const values = (): [x: Tensor, weight: Tensor, bias: Tensor] => {
    const generator = new Generator(1);
    const make = (size: number[]) => randn(size, { generator });
    return [make(shape), make([out, inputs]), make([out])];
  };

  it.each([
    ['input', [0]],
    ['weight and bias', [1, 2]],
    ['input, weight and bias', [0, 1, 2]],
  ])('has the values and the gradients of %s', (_, trained) => {
    scope(() => {
      const [graft, torch] = [linear, reference].map((product) => {
        const [x, weight, bias] = values();
        for (const i of trained) [x, weight, bias][i].requiresGrad = true;
        const y = product(x, weight, bias);
        y.mul(y).sum().backward();
        return [y, ...trained.map((i) => [x, weight, bias][i].grad!)];
      });
      for (const [i, one] of graft.entries()) {
        expect(one.shape).toEqual(torch[i].shape);
        if (one.shape[0] > 0) expect(difference(one, torch[i])).toBeLessThan(1e-5);
      }
    });
  });

  it('needs no bias, and gives the same bits for weights that are trained', () => {
    scope(() => {
      const [x, weight] = values();
      const frozen = linear(x, weight);
      weight.requiresGrad = true;
      expect(linear(x, weight).toArray()).toEqual(frozen.toArray());
      if (x.shape[0] > 0) expect(difference(frozen, reference(x, weight))).toBeLessThan(1e-5);
    });
  });
});

it('refuses shapes that do not fit, as libtorch does', () => {
  scope(() => {
    const generator = new Generator(1);
    const [x, weight] = [randn([100, 384], { generator }), randn([512, 383], { generator })];
    expect(() => linear(x, weight)).toThrow(/shapes cannot be multiplied/);
  });
});
