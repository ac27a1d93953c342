/** A tensor as plain bytes: what the file formats read and write; the engine makes its own tensors from them. */
import type { DType } from '../torch/index.js';

/** Bytes of one element, by PyTorch's name of the element type. Complex, float8 and quantised types are left out. */
export const itemSizes: Record<DType, number> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

export interface RawTensor {
  dtype: DType;
  shape: number[];
  /**
   * Little-endian elements, row-major and contiguous; may share memory with other tensors of the same file. Where a file is
   * written piece by piece it may be a getter, whose bytes are used before the next tensor's are asked for.
   */
  readonly data: Uint8Array;
}

/**
 * The number of elements of a shape, 1 for a scalar; NaN where a size is not a whole number from 0 on or the product
 * is beyond what a number holds exactly.
 */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return Number.NaN;
    count *= size;
    if (count > Number.MAX_SAFE_INTEGER) return Number.NaN;
  }
  return count;
}
