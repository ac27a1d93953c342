/**
 * The fields of a NIfTI header that graft reads or writes: type and byte offset, for both versions.
 *
 * From nifti1.h and nifti2.h (Cox et al., NIfTI Data Format Working Group, 2004 and 2011).
 */
import type { Grid } from '../volume.js';

type Kind = 'uint8' | 'int16' | 'int32' | 'int64' | 'float32' | 'float64';
type Field = readonly [kind: Kind, at: number];

const nifti1 = {
  sizeOfHeader: ['int32', 0],
  dim: ['int16', 40],
  intentParameters: ['float32', 56],
  intentCode: ['int16', 68],
  datatype: ['int16', 70],
  bitsPerVoxel: ['int16', 72],
  pixdim: ['float32', 76],
  voxOffset: ['float32', 108],
  slope: ['float32', 112],
  intercept: ['float32', 116],
  units: ['uint8', 123],
  calMax: ['float32', 124],
  calMin: ['float32', 128],
  description: ['uint8', 148],
  qformCode: ['int16', 252],
  sformCode: ['int16', 254],
  quaternion: ['float32', 256],
  qoffset: ['float32', 268],
  srow: ['float32', 280],
  intentName: ['uint8', 328],
  magic: ['uint8', 344],
} as const satisfies Record<string, Field>;

export type FieldName = keyof typeof nifti1;

const nifti2: Record<FieldName, Field> = {
  sizeOfHeader: ['int32', 0],
  magic: ['uint8', 4],
  datatype: ['int16', 12],
  bitsPerVoxel: ['int16', 14],
  dim: ['int64', 16],
  intentParameters: ['float64', 80],
  pixdim: ['float64', 104],
  voxOffset: ['int64', 168],
  slope: ['float64', 176],
  intercept: ['float64', 184],
  calMax: ['float64', 192],
  calMin: ['float64', 200],
  description: ['uint8', 240],
  qformCode: ['int32', 344],
  sformCode: ['int32', 348],
  quaternion: ['float64', 352],
  qoffset: ['float64', 376],
  srow: ['float64', 400],
  units: ['int32', 500],
  intentCode: ['int32', 504],
  intentName: ['uint8', 508],
};

const fields: Record<1 | 2, Record<FieldName, Field>> = { 1: nifti1, 2: nifti2 };
const bytes: Record<Kind, number> = { uint8: 1, int16: 2, int32: 4, int64: 8, float32: 4, float64: 8 };

/** Bytes of the header, without the four that say whether extensions follow. */
export const headerBytes = { 1: 348, 2: 540 } as const;

export type Header = Pick<Grid, 'version' | 'littleEndian' | 'header'>;

const viewOf = ({ header }: Header) => new DataView(header.buffer, header.byteOffset, header.byteLength);

/** The numbers of a field, beginning with the `first` one. */
export function readField(header: Header, name: FieldName, count = 1, first = 0): number[] {
  const [kind, at] = fields[header.version][name];
  const { littleEndian } = header;
  const view = viewOf(header);
  const read: Record<Kind, (offset: number) => number> = {
    uint8: (offset) => view.getUint8(offset),
    int16: (offset) => view.getInt16(offset, littleEndian),
    int32: (offset) => view.getInt32(offset, littleEndian),
    int64: (offset) => Number(view.getBigInt64(offset, littleEndian)),
    float32: (offset) => view.getFloat32(offset, littleEndian),
    float64: (offset) => view.getFloat64(offset, littleEndian),
  };
  return Array.from({ length: count }, (_, i) => read[kind](at + (first + i) * bytes[kind]));
}

/** Sets the first numbers of a field. */
export function writeField(header: Header, name: FieldName, ...values: number[]): void {
  const [kind, at] = fields[header.version][name];
  const { littleEndian } = header;
  const view = viewOf(header);
  const write: Record<Kind, (offset: number, value: number) => void> = {
    uint8: (offset, value) => view.setUint8(offset, value),
    int16: (offset, value) => view.setInt16(offset, value, littleEndian),
    int32: (offset, value) => view.setInt32(offset, value, littleEndian),
    int64: (offset, value) => view.setBigInt64(offset, BigInt(value), littleEndian),
    float32: (offset, value) => view.setFloat32(offset, value, littleEndian),
    float64: (offset, value) => view.setFloat64(offset, value, littleEndian),
  };
  for (const [i, value] of values.entries()) write[kind](at + i * bytes[kind], value);
}
