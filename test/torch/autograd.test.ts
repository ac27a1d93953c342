/** Gradients: against hand calculation, against finite differences, and the switches around them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { autocast, conv2d, noGrad, ones, scope, type Tensor, tensor, zeros } from '../../src/torch/index.js';
import { eachDevice } from '../devices.js';

eachDevice('gradients', (device) => {
  const leaf = (values: number[], shape?: number[]) => {
    const made = tensor(values, shape, { device });
    made.requiresGrad = true;
    return made;
  };
  const gradient = (x: Tensor) => [...(x.grad as Tensor).toArray()];

  it('of a product, a power and a broadcast sum are those of the textbook', () => {
    const [x, y] = [leaf([1, 2, 3]), leaf([4, 5, 6])];
    x.mul(y).add(x.pow(2)).sum().backward(); // d/dx = y + 2x, d/dy = x
    expect(gradient(x)).toEqual([6, 9, 12]);
    expect(gradient(y)).toEqual([1, 2, 3]);
    const bias = leaf([1, 1]);
    ones([3, 2], { device }).add(bias).sum().backward();
    expect(gradient(bias)).toEqual([3, 3]);
  });

  it('of a matrix product: dA = g·Bᵀ, dB = Aᵀ·g', () => {
    const [a, b] = [leaf([1, 2, 3, 4], [2, 2]), leaf([5, 6, 7, 8], [2, 2])];
    a.matmul(b).sum().backward();
    expect(gradient(a)).toEqual([11, 15, 11, 15]);
    expect(gradient(b)).toEqual([4, 4, 6, 6]);
  });

  it('of a convolution: the weight sees the image that it was laid over', () => {
    const weight = leaf([0, 0, 0, 0], [1, 1, 2, 2]);
    conv2d(tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3], { device }), weight)
      .sum()
      .backward();
    expect(gradient(weight)).toEqual([12, 16, 24, 28]);
  });

  it('add up over calls, and start again once they are cleared', () => {
    const x = leaf([2]);
    x.mul(3).backward();
    x.mul(4).backward();
    expect(gradient(x)).toEqual([7]);
    x.grad = undefined;
    expect(x.grad).toBeUndefined();
    x.mul(5).backward();
    expect(gradient(x)).toEqual([5]);
  });

  it('start from the gradient that is given', () => {
    const x = leaf([1, 2]);
    x.mul(2).backward({ gradient: tensor([10, 100], undefined, { device }) });
    expect(gradient(x)).toEqual([20, 200]);
    expect(() => x.mul(2).backward()).toThrow(/scalar/);
  });

  it('can be taken twice only where the graph is retained', () => {
    const x = leaf([3]);
    const y = x.mul(x);
    y.backward({ retainGraph: true });
    y.backward();
    expect(gradient(x)).toEqual([12]);
    expect(() => y.backward()).toThrow(/second time/);
  });

  it('are set by hand, as optimisers of other kinds need', () => {
    const x = leaf([1]);
    x.grad = tensor([5], undefined, { device });
    expect(gradient(x)).toEqual([5]);
  });

  it('do not pass detach and noGrad', () => {
    const x = leaf([2]);
    const y = x.mul(x);
    expect([y.requiresGrad, y.detach().requiresGrad]).toEqual([true, false]);
    y.detach().mul(x).backward(); // y counts as the number 4
    expect(gradient(x)).toEqual([4]);
    expect(noGrad(() => x.mul(x)).requiresGrad).toBe(false);
    expect(x.mul(x).requiresGrad).toBe(true);
  });

  it('are recorded again after an exception inside noGrad, also nested', () => {
    const x = leaf([2]);
    expect(() =>
      noGrad(() => {
        noGrad(() => 0);
        expect(x.mul(x).requiresGrad).toBe(false);
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(x.mul(x).requiresGrad).toBe(true);
  });

  it('are kept for leaves alone', () => {
    const x = leaf([2]);
    const y = x.mul(x);
    y.mul(3).backward();
    expect(y.grad).toBeUndefined();
    expect(gradient(x)).toEqual([12]);
    expect(tensor([1]).grad).toBeUndefined();
  });

  it('survive the scope that the graph was made in', () => {
    const x = leaf([1, 2]);
    scope(() => x.mul(x).sum().backward());
    expect(gradient(x)).toEqual([2, 4]);
  });
});

describe('requiresGrad', () => {
  it('starts false, follows the inputs, and is refused for integers', () => {
    const x = tensor([1]);
    expect(x.requiresGrad).toBe(false);
    x.requiresGrad = true;
    expect([x.mul(2).requiresGrad, tensor([1]).mul(2).requiresGrad]).toEqual([true, false]);
    x.requiresGrad = false;
    expect(x.mul(2).requiresGrad).toBe(false);
    expect(() => {
      zeros([1], { dtype: 'int64' }).requiresGrad = true;
    }).toThrow(/floating point/);
  });

  it('a leaf that requires it cannot be changed in place outside noGrad', () => {
    const x = tensor([1]);
    x.requiresGrad = true;
    expect(() => x.add_(1)).toThrow(/leaf/);
    noGrad(() => x.add_(1));
    expect(x.item()).toBe(2);
  });
});

type Expression = (x: Tensor) => Tensor;

/** Smooth expressions of one vector, at most four operations deep. */
const expressions = fc.letrec<{ node: Expression }>((tie) => {
  const node = tie('node');
  const both = fc.tuple(node, node);
  return {
    node: fc.oneof(
      { depthSize: 'small', maxDepth: 4, withCrossShrink: true },
      fc.constant<Expression>((x) => x),
      fc.double({ min: -2, max: 2, noNaN: true }).map<Expression>((c) => (x) => x.mul(c)),
      node.map<Expression>((f) => (x) => f(x).sigmoid()),
      node.map<Expression>((f) => (x) => f(x).sigmoid().exp()),
      node.map<Expression>((f) => (x) => f(x).pow(2).add(1).log()),
      node.map<Expression>((f) => (x) => f(x).pow(2).add(1).sqrt()),
      node.map<Expression>((f) => (x) => f(x).flip(0).neg()),
      both.map<Expression>(
        ([f, g]) =>
          (x) =>
            f(x).add(g(x)),
      ),
      both.map<Expression>(
        ([f, g]) =>
          (x) =>
            f(x).sub(g(x).mean()),
      ),
      both.map<Expression>(
        ([f, g]) =>
          (x) =>
            f(x).mul(g(x)),
      ),
      both.map<Expression>(
        ([f, g]) =>
          (x) =>
            f(x).div(g(x).sigmoid().add(1)),
      ),
    ),
  };
}).node;

describe('gradients of random expressions', () => {
  it('are the slopes that finite differences show', () => {
    const points = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(expressions, points, (expression, point) =>
        scope(() => {
          const x = tensor(new Float64Array(point));
          x.requiresGrad = true;
          const value = expression(x).sum();
          value.backward();
          const slopes = (x.grad as Tensor).toArray<'float64'>();
          const step = 1e-5;
          const at = (i: number, offset: number) =>
            expression(tensor(Float64Array.from(point, (p, j) => (i === j ? p + offset : p))))
              .sum()
              .item();
          slopes.forEach((slope, i) => {
            const measured = (at(i, step) - at(i, -step)) / (2 * step);
            expect(Math.abs(slope - measured)).toBeLessThan(1e-5 * (1 + Math.abs(slope) + Math.abs(value.item())));
          });
        }),
      ),
      { numRuns: 60 },
    );
  });
});

eachDevice('autocast', (device) => {
  const a = tensor([1, 2, 3, 4], [2, 2], { device });
  const type = device.split(':')[0];

  it('gives bfloat16 products from float32 matrices, inside its block alone', () => {
    expect(autocast(() => a.matmul(a), { device: type }).dtype).toBe('bfloat16');
    expect(autocast(() => a.add(a), { device: type }).dtype).toBe('float32');
    expect(a.matmul(a).dtype).toBe('float32');
    expect(() =>
      autocast(
        () => {
          throw new Error('stop');
        },
        { device: type },
      ),
    ).toThrow('stop');
    expect(a.matmul(a).dtype).toBe('float32');
  });

  it('leaves gradients in float32', () => {
    const weight = tensor([1, 0, 0, 1], [2, 2], { device });
    weight.requiresGrad = true;
    autocast(() => a.matmul(weight).to('float32').sum(), { device: type }).backward();
    expect((weight.grad as Tensor).dtype).toBe('float32');
    expect([...(weight.grad as Tensor).toArray()]).toEqual([4, 4, 6, 6]);
  });
});
