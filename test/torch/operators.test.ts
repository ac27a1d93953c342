/** Operators by name: how JavaScript values become arguments and results, and what a mistake is answered with. */
import { describe, expect, it } from 'vitest';
import {
  type Argument,
  conv2d,
  Generator,
  hasOperator,
  type Keywords,
  OperatorError,
  ones,
  operator,
  type Tensor,
  tensor,
  zeros,
} from '../../src/torch/index.js';
import { eachDevice } from '../devices.js';

const call = (name: string, ...values: (Argument | Keywords)[]) => operator(name)(...values);
const numbers = (value: unknown) => [...(value as Tensor).toArray()].map(Number);
const failure = (body: () => unknown): OperatorError => {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(OperatorError);
    return error as OperatorError;
  }
  throw new Error('nothing was thrown');
};

eachDevice('operators', (device) => {
  const vector = (...values: number[]) => tensor(values, undefined, { device });

  it('take positional arguments in the order of the schema', () => {
    expect(numbers(call('aten::cumsum', vector(1, 2, 3), 0))).toEqual([1, 3, 6]);
    expect((call('aten::sum.dim_IntList', ones([2, 3], { device }), [1], true) as Tensor).shape).toEqual([2, 1]);
  });

  it('take keyword arguments in camelCase and leave the others at their defaults', () => {
    const [a, b] = [vector(1, 2), vector(10, 20)];
    expect(numbers(call('aten::add.Tensor', a, b))).toEqual([11, 22]);
    expect(numbers(call('aten::add.Tensor', a, b, { alpha: 2 }))).toEqual([21, 42]);
    const norm = call('aten::layer_norm', vector(1, 3), { normalizedShape: [2], cudnnEnable: false });
    expect(numbers(norm)[1]).toBeCloseTo(1, 4);
    expect(numbers(call('aten::add.Tensor', { self: a, other: b }))).toEqual([11, 22]);
  });

  it('take null and undefined for what is optional', () => {
    expect(numbers(call('aten::clamp', vector(-2, 0, 2), null, 1))).toEqual([-2, 0, 1]);
    expect(numbers(call('aten::clamp', vector(-2, 0, 2), -1))).toEqual([-1, 0, 2]);
    const image = ones([1, 1, 3, 3], { device });
    expect(conv2d(image, ones([1, 1, 3, 3], { device })).item()).toBe(9);
    expect(conv2d(image, ones([1, 1, 3, 3], { device }), vector(0.5)).item()).toBe(9.5);
  });

  it('repeat one number where a list of known length is expected', () => {
    const [image, weight] = [ones([1, 1, 7, 9], { device }), ones([1, 1, 3, 3], { device })];
    const single = call('aten::conv2d', image, weight, null, 2, 1) as Tensor;
    const pair = call('aten::conv2d', image, weight, null, [2, 2], [1, 1]) as Tensor;
    expect(single.shape).toEqual([1, 1, 4, 5]);
    expect(numbers(single)).toEqual(numbers(pair));
  });

  it('take lists of tensors and give several results', () => {
    expect(numbers(call('aten::cat', [vector(1, 2), vector(3)], 0))).toEqual([1, 2, 3]);
    const [values, places] = call('aten::max.dim', tensor([1, 5, 7, 2], [2, 2], { device }), 1) as Tensor[];
    expect(numbers(values)).toEqual([5, 7]);
    expect(places.dtype).toBe('int64');
    expect(numbers(places)).toEqual([1, 0]);
    const parts = call('aten::split.Tensor', vector(1, 2, 3, 4, 5), 2) as Tensor[];
    expect(parts.map(numbers)).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('give numbers and booleans where the schema says so', () => {
    expect(call('aten::equal', vector(1, 2), vector(1, 2))).toBe(true);
    expect(call('aten::equal', vector(1, 2), vector(1, 3))).toBe(false);
    expect(call('aten::size.int', ones([2, 3], { device }), 1)).toBe(3);
  });

  it('read a whole number as an integer scalar, another as a float, a boolean as a boolean, a BigInt exactly', () => {
    const counts = tensor(new Int32Array([1, 2]), undefined, { device });
    expect((call('aten::add.Scalar', counts, 2) as Tensor).dtype).toBe('int32');
    expect((call('aten::add.Scalar', counts, 0.5) as Tensor).dtype).toBe('float32');
    expect((call('aten::full', [1], true, { device }) as Tensor).dtype).toBe('bool');
    const big = call('aten::full', [1], 2n ** 62n + 1n, { dtype: 'int64', device }) as Tensor;
    expect(big.toArray<'int64'>()).toEqual(new BigInt64Array([2n ** 62n + 1n]));
  });

  it('read element types and memory formats by name', () => {
    expect((call('aten::zeros', [2], { dtype: 'int16', device }) as Tensor).dtype).toBe('int16');
    expect((call('aten::sum', vector(1, 2), { dtype: 'float64' }) as Tensor).dtype).toBe('float64');
    const image = ones([1, 2, 2, 2], { device }).contiguous('channels_last');
    expect(call('aten::is_contiguous.memory_format', image, { memoryFormat: 'channels_last' })).toBe(true);
    expect(call('aten::is_contiguous.memory_format', image, { memoryFormat: 'contiguous' })).toBe(false);
  });

  it('change their first argument in place and return it', () => {
    const x = vector(1, 2);
    expect(call('aten::mul_.Scalar', x, 3)).toBe(x);
    expect(numbers(x)).toEqual([3, 6]);
    expect(x.add_(1)).toBe(x);
    expect(numbers(x)).toEqual([4, 7]);
  });
});

describe('generators', () => {
  const draw = (generator: Generator) => numbers(call('aten::uniform_', zeros([5]), 0, 1, { generator }));

  it('give the same numbers for the same seed, others for another, and more when asked again', () => {
    using first = new Generator(7);
    using again = new Generator(7);
    using other = new Generator(8);
    const numbersOfFirst = draw(first);
    expect(draw(again)).toEqual(numbersOfFirst);
    expect(draw(other)).not.toEqual(numbersOfFirst);
    expect(draw(first)).not.toEqual(numbersOfFirst);
  });

  it('as positional arguments do not hide what went wrong', () => {
    using generator = new Generator(1);
    const error = failure(() => call('aten::uniform_', zeros([2], { dtype: 'int32' }), 0, 1, generator));
    expect(error.message).toMatch(/^aten::uniform_\(int32 \[2\]\): .*not implemented/);
  });
});

describe('mistakes', () => {
  it('an operator that libtorch lacks', () => {
    expect(hasOperator('aten::add.Tensor')).toBe(true);
    expect(hasOperator('aten::no_such_thing')).toBe(false);
    expect(failure(() => call('aten::no_such_thing', 1)).message).toMatch(/aten::no_such_thing.*no such operator/);
    expect(() => call('aten::add.NoOverload', 1)).toThrow(OperatorError);
  });

  it('a keyword that the operator does not have: the error lists those it has', () => {
    const error = failure(() => call('aten::add.Tensor', ones([1]), ones([1]), { beta: 1 }));
    expect(error.message).toMatch(/'beta'.*self, other, alpha/);
  });

  it('shapes that do not fit: the error names the operator and every shape', () => {
    const error = failure(() => ones([2, 3]).matmul(ones([4, 5])));
    expect(error.operator).toBe('aten::matmul');
    expect(error.shapes).toEqual(['float32 [2, 3]', 'float32 [4, 5]']);
    expect(error.message).toMatch(/^aten::matmul\(float32 \[2, 3\], float32 \[4, 5\]\): /);
    expect(error.message).not.toContain('\n');
    const list = failure(() => call('aten::cat', [ones([2, 1]), ones([3, 2], { dtype: 'float64' })], 0));
    expect(list.shapes).toEqual(['float32 [2, 1]', 'float64 [3, 2]']);
  });

  it.each([
    ['a number for a tensor', () => call('aten::add.Tensor', 5, ones([1])), /'self' expects a tensor.*number/],
    ['text for a list', () => call('aten::sum.dim_IntList', ones([1]), 'a'), /'dim' \(int\[\]\?\).*array/],
    ['a fraction for an integer', () => call('aten::cumsum', ones([2]), 0.5), /'dim' \(int\).*whole number/],
    ['a number for a flag', () => call('aten::sum.dim_IntList', ones([1]), [0], 1), /'keepdim' \(bool\).*boolean/],
    ['a required argument left out', () => call('aten::cumsum', ones([2])), /'dim' is missing/],
    ['too many arguments', () => call('aten::neg', ones([1]), 1, 2), /at most 1 argument/],
    ['a BigInt beyond 64 bits', () => call('aten::full', [1], 2n ** 64n), /64 bits/],
    ['an element type that does not exist', () => call('aten::zeros', [1], { dtype: 'float31' }), /float31/],
    ['a memory format that does not exist', () => call('aten::clone', ones([1]), { memoryFormat: 'c_last' }), /c_last/],
  ])('%s', (_, body, message) => {
    expect(failure(body).message).toMatch(message);
  });
});
