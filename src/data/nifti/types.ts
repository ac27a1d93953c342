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
  /** Whether the stored numbers are whole. */
  whole: boolean;
  /** Makes numbers of a part of a buffer that is in this machine's byte order; the part may be overwritten. */
  view: (buffer: ArrayBuffer, offset: number, count: number) => Numbers;
}

export const voxelTypes: Readonly<Record<number, VoxelType>> = {
  2: { name: 'uint8', bytes: 1, whole: true, view: (...part) => new Uint8Array(...part) },
  4: { name: 'int16', bytes: 2, whole: true, view: (...part) => new Int16Array(...part) },
  8: { name: 'int32', bytes: 4, whole: true, view: (...part) => new Int32Array(...part) },
  16: { name: 'float32', bytes: 4, whole: false, view: (...part) => new Float32Array(...part) },
  64: { name: 'float64', bytes: 8, whole: false, view: (...part) => new Float64Array(...part) },
  256: { name: 'int8', bytes: 1, whole: true, view: (...part) => new Int8Array(...part) },
  512: { name: 'uint16', bytes: 2, whole: true, view: (...part) => new Uint16Array(...part) },
  768: { name: 'uint32', bytes: 4, whole: true, view: (...part) => new Uint32Array(...part) },
  1024: { name: 'int64', bytes: 8, whole: true, view: (...part) => float64InPlace(new BigInt64Array(...part)) },
  1280: { name: 'uint64', bytes: 8, whole: true, view: (...part) => float64InPlace(new BigUint64Array(...part)) },
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

/** The nearest float64 of every number. Each voxel is read before its eight bytes are written over. */
function float64InPlace(whole: BigInt64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): Float64Array {
  const result = new Float64Array(whole.buffer, whole.byteOffset, whole.length);
  for (let i = 0; i < whole.length; i++) result[i] = Number(whole[i]);
  return result;
}

/**
 * The numbers in stored voxels.
 *
 * @param bytes the voxels as stored, aligned to their size in their buffer; they are overwritten
 */
export function decode(bytes: Uint8Array<ArrayBuffer>, type: VoxelType, littleEndian: boolean): Numbers {
  if (littleEndian !== (endianness() === 'LE')) {
    const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (type.bytes === 2) stored.swap16();
    else if (type.bytes === 4) stored.swap32();
    else if (type.bytes === 8) stored.swap64();
  }
  return type.view(bytes.buffer, bytes.byteOffset, bytes.length / type.bytes);
}
