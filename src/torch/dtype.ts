/** Element types: PyTorch's names, libtorch's numbers, JavaScript's arrays. */

/** libtorch's `ScalarType` numbers. */
const codes = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  bool: 11,
  bfloat16: 15,
} as const;

/** Element types by PyTorch's names: `float32`, `int64`, `uint8`, `bool`, … */
export type DType = keyof typeof codes;

export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | BigInt64Array;

/** float16 and bfloat16 have no array of their own in JavaScript: their bits come as Uint16Array. */
const arrays = {
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  bool: Uint8Array,
  bfloat16: Uint16Array,
} as const;

export type ArrayOf<T extends DType> = InstanceType<(typeof arrays)[T]>;

const names = new Map<number, DType>(Object.entries(codes).map(([name, code]) => [code, name as DType]));

export const dtypeCode = (dtype: DType): number => codes[dtype];
export const dtypeName = (code: number): DType => names.get(code) ?? (`ScalarType ${code}` as DType);
export const arrayOf = (dtype: DType) => arrays[dtype];

/** The element type that a JavaScript array holds. */
export function dtypeOf(array: TypedArray): DType {
  for (const [dtype, type] of Object.entries(arrays)) if (array instanceof type) return dtype as DType;
  throw new TypeError(`${(array as object).constructor.name} holds no element type that tensors have`);
}
