/** Typed arrays in and out, shared memory, views, and copies between element types and devices. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cat, type DType, fromBytes, full, ones, type TypedArray, tensor, zeros } from '../../src/torch/index.js';
import { eachDevice } from '../devices.js';

const samples: [DType, TypedArray][] = [
  ['float32', new Float32Array([1.5, -2, Number.NaN, Number.POSITIVE_INFINITY])],
  ['float64', new Float64Array([Math.PI, -0, 1e300, 5e-324])],
  ['uint8', new Uint8Array([0, 1, 200, 255])],
  ['int8', new Int8Array([-128, -1, 0, 127])],
  ['int16', new Int16Array([-32768, -1, 0, 32767])],
  ['int32', new Int32Array([-(2 ** 31), -1, 0, 2 ** 31 - 1])],
  ['int64', new BigInt64Array([-(2n ** 63n), -1n, 2n ** 53n + 1n, 2n ** 63n - 1n])],
];

eachDevice('typed arrays', (device) => {
  it.each(samples)('of %s come back bit by bit', (dtype, values) => {
    const made = tensor(values, [2, 2], { device });
    expect(made.dtype).toBe(dtype);
    expect([made.shape, made.rank, made.size, made.device]).toEqual([[2, 2], 2, 4, device]);
    expect(made.toArray<DType>()).toEqual(values);
    expect(made.toBytes()).toEqual(new Uint8Array(values.buffer));
  });

  it('hold float16 and bfloat16 as bits, bool as bytes', () => {
    const half = tensor(new Uint16Array([0x3c00, 0xc000]), undefined, { dtype: 'float16', device });
    expect([...half.to('float32').toArray()]).toEqual([1, -2]);
    expect([...half.toArray<'float16'>()]).toEqual([0x3c00, 0xc000]);
    const brain = tensor(new Uint16Array([0x3f80, 0xc040]), undefined, { dtype: 'bfloat16', device });
    expect([...brain.to('float32').toArray()]).toEqual([1, -3]);
    const flags = tensor(new Uint8Array([0, 1, 1]), undefined, { dtype: 'bool', device });
    expect([...flags.toArray<'bool'>()]).toEqual([0, 1, 1]);
    expect(flags.sum().item()).toBe(2);
  });

  it('keep what a view shows in row-major order, whatever the layout in memory', () => {
    const x = tensor([0, 1, 2, 3, 4, 5], [2, 3], { device });
    expect([...x.transpose(0, 1).toArray()]).toEqual([0, 3, 1, 4, 2, 5]);
    expect([...x.select(1, 1).toArray()]).toEqual([1, 4]);
    expect([...x.narrow(1, 1, 2).toArray()]).toEqual([1, 2, 4, 5]);
    expect([...x.flip(1).toArray()]).toEqual([2, 1, 0, 5, 4, 3]);
    expect([...x.narrow(0, 0, 1).expand(2, 3).toArray()]).toEqual([0, 1, 2, 0, 1, 2]);
    const image = x.reshape(1, 2, 1, 3).contiguous('channels_last');
    expect([...image.toArray()]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('views write through to what they show', () => {
    const x = zeros([2, 3], { device });
    x.transpose(0, 1).select(0, 2).fill_(7);
    x.view(6).narrow(0, 0, 1).fill_(1);
    expect([...x.toArray()]).toEqual([1, 0, 7, 0, 0, 7]);
    expect(() => x.transpose(0, 1).view(6)).toThrow(/view/);
  });

  it('convert between element types as PyTorch does', () => {
    const x = tensor([-1.7, 0, 2.9], undefined, { device });
    expect([...x.to('int32').toArray<'int32'>()]).toEqual([-1, 0, 2]);
    expect([...x.to('int64').toArray<'int64'>()]).toEqual([-1n, 0n, 2n]);
    expect([...x.to('bool').toArray<'bool'>()]).toEqual([1, 0, 1]);
    expect(x.to('bfloat16').to('float32').toArray()[2]).toBeCloseTo(2.9, 1);
    expect(x.to('float32')).toBe(x);
    expect(x.to({ device: 'cpu' }).device).toBe('cpu');
  });

  it('compute on the device that was asked for', () => {
    expect(cat([zeros([1], { device }), full([1], 2, { device })]).add(ones([2], { device })).device).toBe(device);
  });
});

describe('plain numbers', () => {
  it('are float32 unless another element type is asked for, which gets them without a detour over float32', () => {
    expect(tensor([1, 2]).dtype).toBe('float32');
    expect(tensor([0.1], undefined, { dtype: 'float64' }).item()).toBe(0.1);
    expect(tensor([16_777_217], undefined, { dtype: 'int64' }).item()).toBe(16_777_217);
  });

  it('of any finite float32 are kept', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, maxLength: 20 }), (values) => {
        expect(tensor([...values]).toArray()).toEqual(values);
      }),
      { numRuns: 30 },
    );
  });
});

describe('shared memory', () => {
  it('a borrowing tensor sees the array change, and the array sees the tensor change', () => {
    const array = new Float32Array([1, 2, 3, 4]);
    const borrowed = tensor(array, [2, 2], { copy: false });
    array[3] = 40;
    expect(borrowed.select(0, 1).select(0, 1).item()).toBe(40);
    borrowed.mul_(2);
    expect([...array]).toEqual([2, 4, 6, 80]);
  });

  it('a part of an array is borrowed where it lies', () => {
    const array = new Float32Array([1, 2, 3, 4]);
    tensor(array.subarray(1, 3), undefined, { copy: false }).fill_(0);
    expect([...array]).toEqual([1, 0, 0, 4]);
  });

  it('without copy: false the array and the tensor are apart', () => {
    const array = new Float32Array([1, 2]);
    const copied = tensor(array);
    array[0] = 9;
    expect([...copied.toArray()]).toEqual([1, 2]);
    copied.toArray()[1] = 9;
    expect([...copied.toArray()]).toEqual([1, 2]);
  });

  it("shareArray is the tensor's own memory, twice the same, and outlives the tensor", () => {
    const x = tensor([1, 2, 3]);
    const [shared, again] = [x.shareArray(), x.shareArray()];
    shared[0] = 9;
    expect(x.sum().item()).toBe(14);
    x.add_(1);
    expect([...again]).toEqual([10, 3, 4]);
    x.dispose();
    expect([...shared]).toEqual([10, 3, 4]);
  });

  it('shareArray of a tensor that is not contiguous is a copy in row-major order', () => {
    const x = tensor([1, 2, 3, 4], [2, 2]);
    const shared = x.transpose(0, 1).shareArray();
    expect([...shared]).toEqual([1, 3, 2, 4]);
    shared[0] = 9;
    expect(x.toArray()[0]).toBe(1);
  });

  it('empty tensors have empty arrays', () => {
    expect(zeros([0, 3]).toArray().length).toBe(0);
    expect(zeros([0, 3]).shareArray().length).toBe(0);
    expect(tensor(new Float32Array(0), [2, 0], { copy: false }).shape).toEqual([2, 0]);
  });
});

describe('mistakes', () => {
  it('a length that does not fit the shape', () => {
    for (const copy of [true, false])
      expect(() => tensor(new Float32Array(3), [2, 2], { copy })).toThrow(/length does not fit the shape/);
    expect(() => fromBytes(new Uint8Array(7), 'float32', [2])).toThrow(/length does not fit the shape/);
    expect(() => tensor([1], [-1])).toThrow(/negative/);
  });

  it('an array whose elements no tensor has', () => {
    expect(() => tensor(new Uint32Array(1) as unknown as Int32Array)).toThrow(/Uint32Array/);
  });

  it('item() of several elements', () => {
    expect(() => ones([2]).item()).toThrow(/2 elements/);
    expect(tensor([2.5]).item()).toBe(2.5);
  });
});

describe('fromBytes', () => {
  it('reads elements at any offset, copied', () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(new Float32Array([1, 2]).buffer), 1);
    const made = fromBytes(bytes.subarray(1), 'float32', [2]);
    bytes.fill(0);
    expect([...made.toArray()]).toEqual([1, 2]);
  });
});
