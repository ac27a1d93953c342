/**
 * Writes NIfTI: masks on the grid an image came with, and new volumes.
 *
 * Left out: extensions (a mask does not inherit its image's), NIfTI-2 for new volumes.
 */
import { endianness } from 'node:os';
import { Readable } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import { type Pause, pause, writeFileAtomic } from '../../core/index.js';
import { dataError } from '../errors.js';
import { affineFault, rasPlaces, type Triple } from '../orientation.js';
import type { Grid } from '../volume.js';
import { writeAffine } from './affine.js';
import { type Header, headerBytes, readField, writeField } from './fields.js';
import { isPackedName } from './file-name.js';

/** NIFTI_INTENT_LABEL: each voxel is an index into a list of classes. */
const labelIntent = 1002;

/**
 * Writes a mask on the grid its image was stored on: same dimensions, orientation, affine, units, description, byte
 * order and NIfTI version; uint8 without scaling, display range left to the viewer.
 *
 * @param path .nii, or .nii.gz to compress.
 * @param data uint8 [z, y, x] in RAS, as the image was read.
 * @param grid of the image.
 * @throws GraftError VOLUME_SHAPE, WRITE_FAILED.
 */
export function writeMask(path: string, data: Uint8Array, grid: Grid): void {
  const header = maskHeader(path, data, grid);
  const stored = Buffer.concat([...storedSlices(data, grid)]);
  writeParts(path, header, stored);
}

/** `writeMask` as work that can be interrupted: nothing is on the disk until all is. */
export async function* writeMaskWithPauses(path: string, data: Uint8Array, grid: Grid): AsyncGenerator<Pause, void> {
  writeFileAtomic(path, ...(yield* maskFileWithPauses(path, data, grid)));
}

/** The bytes of such a file. @param name its name: .nii, or .nii.gz to compress */
export async function* maskFileWithPauses(
  name: string,
  data: Uint8Array,
  grid: Grid,
): AsyncGenerator<Pause, Uint8Array[]> {
  const { header } = maskHeader(name, data, grid);
  const content = function* () {
    yield* [header, new Uint8Array(4)];
    yield* storedSlices(data, grid);
  };
  return yield* packedWithPauses(content(), isPackedName(name));
}

/** Pieces of a file, compressed with gzip where asked. */
export async function* packedWithPauses(
  content: Iterable<Uint8Array>,
  packed: boolean,
): AsyncGenerator<Pause, Uint8Array[]> {
  const parts: Uint8Array[] = [];
  const stream = Readable.from(content, { objectMode: true });
  for await (const part of (packed ? stream.pipe(createGzip()) : stream) as AsyncIterable<Uint8Array>) {
    parts.push(part);
    yield pause;
  }
  return parts;
}

function maskHeader(path: string, data: Uint8Array, grid: Grid): Header {
  const { version, littleEndian, dims } = grid;
  checkCount(path, data.length, dims);
  const header: Header = { version, littleEndian, header: grid.header.slice() };
  writeField(header, 'magic', ...Buffer.from(`n+${version}\0`, 'latin1'));
  // Sizes that the image left out are 1; how many there are stays.
  const sizes = readField(header, 'dim', 8).map((size) => Math.max(1, size));
  writeField(header, 'dim', ...sizes);
  writeField(header, 'intentCode', labelIntent);
  writeField(header, 'intentParameters', 0, 0, 0);
  writeField(header, 'intentName', ...new Array<number>(16).fill(0));
  writeVoxelFields(header, 2, 8);
  return header;
}

/** The mask's slices as they are stored, each in memory of its own. */
export function* storedSlices(
  data: Uint8Array,
  { dims, orientation }: Pick<Grid, 'dims' | 'orientation'>,
): Generator<Uint8Array> {
  const { start, step } = rasPlaces(dims, orientation);
  for (let z = 0; z < dims[2]; z++) {
    const slice = new Uint8Array(dims[0] * dims[1]);
    for (let y = 0, to = 0; y < dims[1]; y++) {
      let from = start + y * step[1] + z * step[2];
      for (let x = 0; x < dims[0]; x++, from += step[0]) slice[to++] = data[from];
    }
    yield slice;
  }
}

/**
 * Writes a new NIfTI-1 volume with sform and qform (a sheared affine, which no qform can hold, with sform alone).
 *
 * @param path .nii, or .nii.gz to compress.
 * @param volume data: float32, uint8 or int16 [z, y, x], stored as it is; shape: [z, y, x], each up to 32767;
 *   affine: 4x4 row-major, voxel index (x, y, z) -> world mm in RAS.
 * @param options description: up to 79 characters of Latin-1 in the header.
 * @throws GraftError VOLUME_SHAPE, NIFTI_HEADER for a degenerate affine, WRITE_FAILED.
 */
export function writeVolume(path: string, volume: NewVolume, options: { description?: string } = {}): void {
  const { header, stored } = volumeParts(path, volume, options);
  writeParts(path, header, stored);
}

interface NewVolume {
  data: Float32Array | Uint8Array | Int16Array;
  shape: Triple;
  affine: readonly number[];
}

/** The bytes of such a file, not compressed. @param name for errors */
export function volumeFile(name: string, volume: NewVolume): Buffer {
  const { header, stored } = volumeParts(name, volume, {});
  return Buffer.concat([header.header, new Uint8Array(4), stored]);
}

function volumeParts(path: string, volume: NewVolume, options: { description?: string }) {
  const { data, affine } = volume;
  const [nz, ny, nx] = volume.shape;
  checkCount(path, data.length, [nx, ny, nz]);
  if (Math.max(nx, ny, nz) > 32767) {
    throw dataError('VOLUME_SHAPE', {
      file: path,
      expected: 'sides of up to 32767 voxels',
      found: `${nx} x ${ny} x ${nz}`,
    });
  }
  const fault = affineFault(affine);
  if (fault)
    throw dataError('NIFTI_HEADER', { file: path, expected: 'an affine that places the voxels', found: fault });

  const header: Header = { version: 1, littleEndian: endianness() === 'LE', header: new Uint8Array(headerBytes[1]) };
  writeField(header, 'sizeOfHeader', headerBytes[1]);
  writeField(header, 'dim', 3, nx, ny, nz, 1, 1, 1, 1);
  writeField(header, 'magic', ...Buffer.from('n+1\0', 'latin1'));
  writeField(header, 'description', ...Buffer.from((options.description ?? '').slice(0, 79), 'latin1'));
  writeAffine(header, affine);

  const code = data instanceof Uint8Array ? 2 : data instanceof Int16Array ? 4 : 16;
  writeVoxelFields(header, code, 8 * data.BYTES_PER_ELEMENT);
  return { header, stored: Buffer.from(data.buffer, data.byteOffset, data.byteLength) };
}

function checkCount(file: string, found: number, dims: Triple): void {
  const fits = dims.every((size) => Number.isInteger(size) && size >= 1);
  if (fits && found === dims[0] * dims[1] * dims[2]) return;
  throw dataError('VOLUME_SHAPE', { file, expected: `${dims.join(' x ')} voxels (x, y, z)`, found: `${found} voxels` });
}

/** Voxels as they are, right behind the header and the four bytes that say there is no extension. */
function writeVoxelFields(header: Header, code: number, bits: number): void {
  writeField(header, 'datatype', code);
  writeField(header, 'bitsPerVoxel', bits);
  writeField(header, 'voxOffset', headerBytes[header.version] + 4);
  writeField(header, 'slope', 1);
  writeField(header, 'intercept', 0);
  writeField(header, 'calMax', 0);
  writeField(header, 'calMin', 0);
}

function writeParts(path: string, { header }: Header, voxels: Uint8Array): void {
  const parts = [header, new Uint8Array(4), voxels];
  if (isPackedName(path)) writeFileAtomic(path, gzipSync(Buffer.concat(parts)));
  else writeFileAtomic(path, ...parts);
}
