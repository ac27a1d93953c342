/** A wire format: how the numbers of one tensor become bytes and come back. */
import type { Room } from '../../core/index.js';
import type { DType, Tensor } from '../../torch/index.js';

/** A tensor as it travels. */
export interface Coded {
  shape: number[];
  /** One element of the format's type for each number, row-major; perhaps made when they are asked for. */
  readonly data: Uint8Array;
  /** bfloat16 scales; empty in formats that have none. */
  scales: Uint8Array;
}

/** How the numbers of one tensor become bytes on their way between sites and coordinator, and come back. */
export interface WireFormat {
  /** Element type of `data`. */
  dtype: DType;
  /** Whether numbers come back changed, so that the sender carries the difference into the next round. */
  lossy: boolean;
  /** Whether numbers that were decoded give the same bytes when they are encoded again: then bytes need not be kept. */
  repeats: boolean;
  /**
   * @param value float32, any shape, on the CPU
   * @param room where the data go; default: new memory
   * @returns its shape, one element of `dtype` for each number, and the scales where the format has any
   */
  encode(value: Tensor, room?: Room): Coded;
  /** @returns float32, a new tensor */
  decode(coded: Coded): Tensor;
  /** How many scales a tensor of this shape has. */
  scaleCount(shape: readonly number[]): number;
}
