/** Builds NIfTI files byte by byte, apart from the code under test, and reads them with nifti-reader-js. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as nifti from 'nifti-reader-js';
import { afterAll } from 'vitest';

/** A folder that goes when the tests of the file are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'graft-nifti-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeBytes(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** code, bytes and smallest and largest value that float32 holds as it is */
export const types = {
  uint8: [2, 1, 0, 255],
  int8: [256, 1, -128, 127],
  uint16: [512, 2, 0, 65535],
  int16: [4, 2, -32768, 32767],
  uint32: [768, 4, 0, 2 ** 32 - 256],
  int32: [8, 4, -(2 ** 31), 2 ** 31 - 128],
  uint64: [1280, 8, 0, 2 ** 63],
  int64: [1024, 8, -(2 ** 63), 2 ** 62],
  float32: [16, 4, -1.5, 2 ** 100],
  float64: [64, 8, -0.25, 2 ** 90],
} as const;
export type TypeName = keyof typeof types;

export interface Recipe {
  version?: 1 | 2;
  littleEndian?: boolean;
  type?: TypeName;
  dims?: number[];
  /** stored order, x fastest */
  values?: number[];
  slope?: number;
  intercept?: number;
  units?: number;
  pixdim?: number[];
  sform?: { code: number; rows: number[] };
  qform?: { code: number; quaternion: number[]; offset: number[] };
  offset?: number;
  description?: string;
}

const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

export const countUp = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A whole .nii file. Fields that are not given are those of a plain 1 mm volume of uint8 counting up from 0. */
export function buildNifti(recipe: Recipe = {}): Buffer {
  const { version = 1, littleEndian: le = true, type = 'uint8', dims = [4, 3, 2] } = recipe;
  const two = version === 2;
  const values = recipe.values ?? countUp(dims.reduce((a, b) => a * b, 1));
  const [code, size] = types[type];
  const offset = recipe.offset ?? (two ? 544 : 352);
  const file = Buffer.alloc(offset + values.length * size);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const reals = (at1: number, at2: number, list: number[]) => {
    list.forEach((v, i) => {
      if (two) view.setFloat64(at2 + 8 * i, v, le);
      else view.setFloat32(at1 + 4 * i, v, le);
    });
  };
  const short = (at1: number, at2: number, v: number) => (two ? view.setInt32(at2, v, le) : view.setInt16(at1, v, le));

  view.setInt32(0, two ? 540 : 348, le);
  file.write(two ? 'n+2\0\r\n\x1a\n' : 'n+1\0', two ? 4 : 344, 'latin1');
  view.setInt16(two ? 12 : 70, code, le);
  view.setInt16(two ? 14 : 72, 8 * size, le);
  [dims.length, ...dims, ...new Array(7 - dims.length).fill(1)].forEach((v, i) => {
    if (two) view.setBigInt64(16 + 8 * i, BigInt(v), le);
    else view.setInt16(40 + 2 * i, v, le);
  });
  reals(76, 104, recipe.pixdim ?? [1, 1, 1, 1]);
  if (two) view.setBigInt64(168, BigInt(offset), le);
  else view.setFloat32(108, offset, le);
  reals(112, 176, [recipe.slope ?? 0, recipe.intercept ?? 0]);
  if (two) view.setInt32(500, recipe.units ?? 2, le);
  else view.setUint8(123, recipe.units ?? 2);
  file.write(recipe.description ?? '', two ? 240 : 148, 'latin1');
  const sform =
    recipe.sform ?? (recipe.qform || recipe.pixdim ? { code: 0, rows: identity } : { code: 1, rows: identity });
  short(254, 348, sform.code);
  reals(280, 400, sform.rows);
  if (recipe.qform) {
    short(252, 344, recipe.qform.code);
    reals(256, 352, recipe.qform.quaternion);
    reals(268, 376, recipe.qform.offset);
  }
  values.forEach((v, i) => {
    setVoxel(view, type, offset + size * i, v, le);
  });
  return file;
}

function setVoxel(view: DataView, type: TypeName, at: number, value: number, le: boolean): void {
  if (type === 'uint8') view.setUint8(at, value);
  else if (type === 'int8') view.setInt8(at, value);
  else if (type === 'uint16') view.setUint16(at, value, le);
  else if (type === 'int16') view.setInt16(at, value, le);
  else if (type === 'uint32') view.setUint32(at, value, le);
  else if (type === 'int32') view.setInt32(at, value, le);
  else if (type === 'uint64') view.setBigUint64(at, BigInt(value), le);
  else if (type === 'int64') view.setBigInt64(at, BigInt(value), le);
  else if (type === 'float32') view.setFloat32(at, value, le);
  else view.setFloat64(at, value, le);
}

export interface Independent {
  header: nifti.NIFTI1 | nifti.NIFTI2;
  dims: number[];
  /** 4x4 row-major, stored voxel index -> world; as the reader chose it */
  affine: number[];
  /** Stored value of voxel (x, y, z), slope and intercept applied. */
  value: (x: number, y: number, z: number) => number;
}

/** What nifti-reader-js makes of a file. */
export function readIndependently(path: string): Independent {
  const bytes = readFileSync(path);
  let buffer: ArrayBuffer = new Uint8Array(bytes).buffer;
  if (bytes[0] === 0x1f) buffer = nifti.decompress(buffer) as ArrayBuffer;
  const header = nifti.readHeader(buffer);
  const view = new DataView(nifti.readImage(header, buffer) as ArrayBuffer);
  const { littleEndian: le, datatypeCode, dims, scl_slope, scl_inter } = header;
  const size = header.numBitsPerVoxel / 8;
  const readers: Record<number, (at: number) => number> = {
    2: (at) => view.getUint8(at),
    4: (at) => view.getInt16(at, le),
    8: (at) => view.getInt32(at, le),
    16: (at) => view.getFloat32(at, le),
    64: (at) => view.getFloat64(at, le),
    256: (at) => view.getInt8(at),
    512: (at) => view.getUint16(at, le),
    768: (at) => view.getUint32(at, le),
    1024: (at) => Number(view.getBigInt64(at, le)),
    1280: (at) => Number(view.getBigUint64(at, le)),
  };
  const read = readers[datatypeCode];
  const scaled = scl_slope !== 0 && Number.isFinite(scl_slope);
  return {
    header,
    dims: dims.slice(1, 4),
    affine: header.affine.flat(),
    value: (x, y, z) => {
      const stored = read(size * (x + dims[1] * (y + dims[2] * z)));
      return scaled ? scl_slope * stored + scl_inter : stored;
    },
  };
}

/** World point of a voxel index. */
export const toWorld = (m: readonly number[], [x, y, z]: readonly number[]) =>
  [0, 4, 8].map((r) => m[r] * x + m[r + 1] * y + m[r + 2] * z + m[r + 3]);

/** Voxel index (not rounded) of a world point. */
export function toVoxel(m: readonly number[], world: readonly number[]): number[] {
  const p = world.map((v, i) => v - m[4 * i + 3]);
  const columns = [0, 1, 2].map((c) => [m[c], m[4 + c], m[8 + c]]);
  const det = (a: number[], b: number[], c: number[]) =>
    a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) + c[0] * (a[1] * b[2] - a[2] * b[1]);
  const [a, b, c] = columns;
  const whole = det(a, b, c);
  return [det(p, b, c) / whole, det(a, p, c) / whole, det(a, b, p) / whole];
}

export type Triple = [number, number, number];

const permutations: Triple[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** Every way in which three axes can be stored: which comes first, second and third, and whether it is turned round. */
export const orientations = permutations.flatMap((axes) =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => ({ axes, flips: [bits & 1, bits & 2, bits & 4].map(Boolean) })),
);
