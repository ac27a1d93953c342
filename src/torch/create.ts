/** Making tensors: from JavaScript arrays, from bytes, and filled with a value. */
import { arrayOf, type DType, dtypeCode, dtypeOf, type TypedArray } from './dtype.js';
import { native } from './native.js';
import { one, Tensor } from './tensor.js';

type Shape = readonly number[];

export interface TensorOptions {
  dtype?: DType;
  /** default: the CPU, or what `onDevice` says */
  device?: string;
}

let usual = 'cpu';

/**
 * Runs `body`, in which tensors are made on this device unless they say otherwise. On `meta` they have shapes and no
 * elements, so a network of any size can be built and counted in no time.
 */
export function onDevice<T>(device: string, body: () => T): T {
  const before = usual;
  usual = device;
  try {
    return body();
  } finally {
    usual = before;
  }
}

/**
 * A tensor with the array's elements in row-major order.
 *
 * @param data plain numbers become float32 unless `dtype` says otherwise; a typed array keeps its type
 * @param shape default: one dimension with all elements
 * @param options.copy false: the tensor borrows the array's memory and keeps it alive (CPU)
 * @throws OperatorError where shape and number of elements do not fit
 */
export function tensor(
  data: TypedArray | readonly number[],
  shape?: Shape,
  options: TensorOptions & { copy?: boolean } = {},
): Tensor {
  // Plain numbers are float32 by default, but reach another element type with all their digits.
  const Numbers = options.dtype ? Float64Array : Float32Array;
  const array = Array.isArray(data) ? Numbers.from(data as number[]) : (data as TypedArray);
  const { dtype = dtypeOf(array), device = usual, copy = true } = options;
  // float16 and bfloat16 elements come as bits; anything else is converted, bool from bytes that are 0 or not.
  const stored = dtype !== 'bool' && array instanceof arrayOf(dtype) ? dtype : dtypeOf(array);
  const made = new Tensor(native().fromArray(array, dtypeCode(stored), shape ?? [array.length], copy), 'tensor');
  const wanted = made.to({ dtype, device });
  if (wanted !== made) made.dispose();
  return wanted;
}

/**
 * A tensor from the bytes of its elements, as files hold them.
 *
 * @param options.copy false: the tensor borrows the array's memory and keeps it alive
 */
export const fromBytes = (bytes: Uint8Array, dtype: DType, shape: Shape, { copy = true } = {}): Tensor =>
  new Tensor(native().fromArray(bytes, dtypeCode(dtype), shape, copy), 'fromBytes');

/** A tensor of zeros; default: float32 on the CPU. */
export const zeros = (shape: Shape, { dtype = 'float32', device = usual }: TensorOptions = {}) =>
  one('aten::zeros', shape, { dtype, device });
export const ones = (shape: Shape, { dtype = 'float32', device = usual }: TensorOptions = {}) =>
  one('aten::ones', shape, { dtype, device });
export const full = (shape: Shape, value: number, { dtype = 'float32', device = usual }: TensorOptions = {}) =>
  one('aten::full', shape, value, { dtype, device });
