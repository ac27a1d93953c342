/** Brings a strided view of a storage into row-major order. */

import type { PthTensor } from './pth-value.js';
import { elementCount, itemSizes } from './raw-tensor.js';

/** Whether the elements lie one after another, as strides of sizes above 1 tell. */
export function isContiguous({ shape, strides }: PthTensor): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return elementCount(shape) === 0;
    expected *= shape[i]!;
  }
  return true;
}

/**
 * The tensor's elements in row-major order; `bytes` are those of its storage and hold all of them.
 * Costs time and memory in proportion to the elements, however many of them are the same.
 */
export function gather(bytes: Uint8Array, tensor: PthTensor): Uint8Array {
  const itemSize = itemSizes[tensor.dtype];
  // Eight-byte elements are copied as pairs of four bytes: numbers would lose the payload of NaNs.
  const unit = Math.min(itemSize, 4);
  const scale = itemSize / unit;
  const shape = [...tensor.shape, scale].filter((size) => size !== 1);
  const strides = [...tensor.strides.map((stride) => stride * scale), 1].filter(
    (_, i) => (tensor.shape[i] ?? scale) !== 1,
  );

  const Words = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[unit as 1 | 2 | 4];
  const aligned = bytes.byteOffset % unit === 0 ? bytes : bytes.slice();
  const source = new Words(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.length / unit);
  const target = new Words(elementCount(tensor.shape) * scale);

  const inner = shape.pop() ?? 1;
  const innerStride = strides.pop() ?? 1;
  const index = shape.map(() => 0);
  let from = tensor.offset * scale;
  for (let to = 0; to < target.length; ) {
    for (let i = 0; i < inner; i++) target[to++] = source[from + i * innerStride]!;
    // The next row: the last index that has room counts up, those behind it start anew.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return new Uint8Array(target.buffer);
}
