/** Formats that are element types: `fp32` as it is, `bf16` rounded to 8 significant bits. */
import { type DType, fromBytes } from '../../torch/index.js';
import type { WireFormat } from './format.js';

const elementType = (dtype: DType): WireFormat => ({
  dtype,
  lossy: dtype !== 'float32',
  repeats: true,
  encode: (value, room) => ({ shape: value.shape, data: value.to(dtype).toBytes(room), scales: new Uint8Array() }),
  decode: ({ shape, data }) => fromBytes(data, dtype, shape).to('float32'),
  scaleCount: () => 0,
});

export const fp32 = elementType('float32');
export const bf16 = elementType('bfloat16');
