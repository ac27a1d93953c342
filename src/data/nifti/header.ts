/**
 * Reads a NIfTI header and refuses what cannot be true, before anything is allocated for voxels.
 *
 * Left out: .hdr/.img pairs, series (4-D and up), colour and complex voxels, extensions.
 */
import { dataError } from '../errors.js';
import { affineFault, type Triple } from '../orientation.js';
import { readAffine } from './affine.js';
import { type Header, headerBytes, readField } from './fields.js';
import { looksLike } from './looks-like.js';
import { unreadTypes, type VoxelType, voxelTypes } from './types.js';

/** The most bytes of voxels that graft takes, as stored or as float32: 512 x 512 x 2047 voxels of up to four bytes. */
const largestVoxels = 2 ** 31 - 1;

/** Extensions before the voxels may take a gigabyte, far more than any does. */
const furthestOffset = 2 ** 30;

export interface Description extends Header {
  /** Stored voxels along (x, y, z). */
  dims: Triple;
  type: VoxelType;
  /** Where the voxels begin, in bytes of the unpacked file, and how many bytes they are. */
  offset: number;
  length: number;
  /** value = slope * stored + intercept */
  slope: number;
  intercept: number;
  /** 4x4 row-major: stored voxel index (x, y, z) -> world mm. */
  affine: number[];
}

/**
 * @param head the first bytes of the unpacked file: at least 540 where the file has them.
 * @param packed whether the file is compressed (for messages).
 * @throws GraftError NIFTI_EXPECTED, NIFTI_PAIR, NIFTI_DIMENSIONS, NIFTI_TYPE, NIFTI_HEADER, NIFTI_TOO_LARGE.
 */
export function parseHeader(file: string, head: Uint8Array, packed: boolean): Description {
  const header = headerOf(file, head, packed);
  const impossible = (expected: string, found: string | number) => dataError('NIFTI_HEADER', { file, expected, found });

  const dims = dimensions(file, header);
  const [code] = readField(header, 'datatype');
  const type = voxelTypes[code];
  if (!type) {
    if (code in unreadTypes) throw dataError('NIFTI_TYPE', { file, found: unreadTypes[code] });
    throw impossible('a voxel type that the standard knows', `code ${code}`);
  }
  const voxels = dims[0] * dims[1] * dims[2];
  const length = voxels * type.bytes;
  if (Math.max(length, 4 * voxels) > largestVoxels) {
    const bytes = Math.max(length, 4 * voxels);
    throw dataError('NIFTI_TOO_LARGE', { file, limit: largestVoxels, dims: dims.join(' x '), bytes });
  }

  const [offset] = readField(header, 'voxOffset');
  const least = headerBytes[header.version] + 4;
  if (!(Number.isInteger(offset) && offset >= least && offset <= furthestOffset)) {
    throw impossible(`voxels that begin at byte ${least} to ${furthestOffset} (vox_offset)`, offset);
  }

  let [slope] = readField(header, 'slope');
  let [intercept] = readField(header, 'intercept');
  if (slope === 0 || !Number.isFinite(slope)) [slope, intercept] = [1, 0];
  if (!Number.isFinite(intercept)) throw impossible('a finite intercept (scl_inter)', intercept);

  const pixdim = readField(header, 'pixdim', 3, 1);
  if (!pixdim.every(Number.isFinite)) throw impossible('finite voxel sizes (pixdim)', pixdim.join(' x '));
  const placedByPixdim = readField(header, 'sformCode')[0] <= 0;
  if (placedByPixdim && pixdim.some((size) => size <= 0)) {
    throw impossible('voxel sizes above 0 (pixdim)', pixdim.join(' x '));
  }
  const affine = readAffine(header);
  const fault = affineFault(affine);
  if (fault) throw impossible('an affine that places the voxels in space', fault);

  return { ...header, dims, type, offset, length, slope, intercept, affine };
}

function headerOf(file: string, head: Uint8Array, packed: boolean): Header {
  const text = Buffer.from(head.subarray(0, headerBytes[2])).toString('latin1');
  const magics = { 1: text.slice(344, 348), 2: text.slice(4, 8) };
  if (magics[1] === 'ni1\0' || magics[2] === 'ni2\0') throw dataError('NIFTI_PAIR', { file });
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (const littleEndian of [true, false]) {
    for (const version of [1, 2] as const) {
      const size = headerBytes[version];
      if (magics[version] !== `n+${version}\0` || view.getInt32(0, littleEndian) !== size) continue;
      if (head.length < size) throw dataError('NIFTI_TRUNCATED', { file, expected: size, found: head.length });
      return { version, littleEndian, header: head.slice(0, size) };
    }
  }
  if (/\.(hdr|img)(\.gz)?$/i.test(file)) throw dataError('NIFTI_PAIR', { file });
  throw dataError('NIFTI_EXPECTED', { file, found: (packed ? 'a gzip file that holds ' : '') + looksLike(head) });
}

function dimensions(file: string, header: Header): Triple {
  const [count, ...sizes] = readField(header, 'dim', 8);
  if (!(count >= 1 && count <= 7)) {
    throw dataError('NIFTI_HEADER', { file, expected: '1 to 7 dimensions (dim[0])', found: count });
  }
  const used = sizes.slice(0, count);
  const found = used.join(' x ');
  if (used.some((size) => size < 1)) {
    throw dataError('NIFTI_HEADER', { file, expected: 'dimensions of 1 and more', found });
  }
  if (count < 3 || used.slice(3).some((size) => size !== 1)) throw dataError('NIFTI_DIMENSIONS', { file, found });
  return [used[0], used[1], used[2]];
}
