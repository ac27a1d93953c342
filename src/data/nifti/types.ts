/** The voxel types of NIfTI: code, size and how the stored bytes become numbers. */
import { endianness } from 'node:os';

export type Numbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export interface VoxelType {
  name: string;
  bytes: 1 | 2 | 4 | 8;
  /** Makes numbers of a buffer that is in this machine's byte order; the buffer may be overwritten. */
  view: (buffer: ArrayBuffer) => Numbers;
}

export const voxelTypes: Readonly<Record<number, VoxelType>> = {
  2: { name: 'uint8', bytes: 1, view: (buffer) => new Uint8Array(buffer) },
  4: { name: 'int16', bytes: 2, view: (buffer) => new Int16Array(buffer) },
  8: { name: 'int32', bytes: 4, view: (buffer) => new Int32Array(buffer) },
  16: { name: 'float32', bytes: 4, view: (buffer) => new Float32Array(buffer) },
  64: { name: 'float64', bytes: 8, view: (buffer) => new Float64Array(buffer) },
  256: { name: 'int8', bytes: 1, view: (buffer) => new Int8Array(buffer) },
  512: { name: 'uint16', bytes: 2, view: (buffer) => new Uint16Array(buffer) },
  768: { name: 'uint32', bytes: 4, view: (buffer) => new Uint32Array(buffer) },
  1024: { name: 'int64', bytes: 8, view: (buffer) => float64InPlace(new BigInt64Array(buffer)) },
  1280: { name: 'uint64', bytes: 8, view: (buffer) => float64InPlace(new BigUint64Array(buffer)) },
};

/** Types that the standard knows and graft does not read. */
export const unreadTypes: Readonly<Record<number, string>> = {
  0: 'unknown (0)',
  1: 'binary (1 bit)',
  32: 'complex64',
  128: 'RGB24',
  1536: 'float128',
  1792: 'complex128',
  2048: 'complex256',
  2304: 'RGBA32',
};

/** Each voxel is read before its eight bytes are written over. */
function float64InPlace(whole: BigInt64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): Float64Array {
  const result = new Float64Array(whole.buffer);
  for (let i = 0; i < whole.length; i++) result[i] = Number(whole[i]);
  return result;
}

/** The numbers in stored voxels. @param buffer the voxels as stored; it is overwritten. */
export function decode(buffer: ArrayBuffer, type: VoxelType, littleEndian: boolean): Numbers {
  if (littleEndian !== (endianness() === 'LE')) {
    const stored = Buffer.from(buffer);
    if (type.bytes === 2) stored.swap16();
    else if (type.bytes === 4) stored.swap32();
    else if (type.bytes === 8) stored.swap64();
  }
  return type.view(buffer);
}
