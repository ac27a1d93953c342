/**
 * Reads a NIfTI header and refuses what cannot be true, before anything is allocated for voxels.
 *
 * Left out: .hdr/.img pairs, series (4-D and up), single lines, colour and complex voxels, extensions.
 */
import { dataError } from '../errors.js';
import type { Triple } from '../orientation.js';
import { placementOf } from './affine.js';
import { type Header, headerBytes, readField } from './fields.js';
import { looksLike } from './looks-like.js';
import { unreadTypes, type VoxelType, voxelTypes } from './types.js';

/** The most bytes of voxels that graft takes, as stored or as float32: 512 x 512 x 2047 voxels of up to four bytes. */
const largestVoxels = 2 ** 31 - 1;

/** Extensions before the voxels may take 64 MiB, far more than any does. */
const furthestOffset = 2 ** 26;

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
  /** Sentences on what the header leaves open, and how it was taken. */
  doubts: string[];
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

  const least = headerBytes[header.version] + 4;
  // The standard's default: a single file without extensions.
  const [stored] = readField(header, 'voxOffset');
  const offset = stored === 0 ? least : stored;
  if (!(Number.isInteger(offset) && offset >= least && offset <= furthestOffset)) {
    throw impossible(`voxels that begin at byte ${least} to ${furthestOffset} (vox_offset)`, offset);
  }

  let [slope] = readField(header, 'slope');
  let [intercept] = readField(header, 'intercept');
  if (slope === 0 || !Number.isFinite(slope)) [slope, intercept] = [1, 0];
  if (!Number.isFinite(intercept)) throw impossible('a finite intercept (scl_inter)', intercept);

  const { affine, doubts, fault } = placementOf(header, dims);
  if (fault) throw impossible('an affine that places the voxels in space', fault);

  return { ...header, dims, type, offset, length, slope, intercept, affine, doubts };
}

function headerOf(file: string, head: Uint8Array, packed: boolean): Header {
  const text = Buffer.from(head.subarray(0, headerBytes[2])).toString('latin1');
  const magics = { 1: text.slice(344, 348), 2: text.slice(4, 8) };
  const isPair = /\.(hdr|img)(\.gz)?$/i.test(file);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (const littleEndian of [true, false]) {
    for (const version of [1, 2] as const) {
      const size = headerBytes[version];
      const magic = magics[version];
      if (![`n+${version}\0`, `ni${version}\0`].includes(magic) || view.getInt32(0, littleEndian) !== size) continue;
      // Some programs write the pair's magic into single files; without voxels it is indeed half of a pair.
      if (magic.startsWith('ni') && (isPair || head.length <= size + 4)) throw dataError('NIFTI_PAIR', { file });
      if (head.length < size) throw dataError('NIFTI_TRUNCATED', { file, expected: size, found: head.length });
      return { version, littleEndian, header: head.slice(0, size) };
    }
  }
  if (isPair) throw dataError('NIFTI_PAIR', { file });
  throw dataError('NIFTI_EXPECTED', { file, found: (packed ? 'a gzip file that holds ' : '') + looksLike(head) });
}

function dimensions(file: string, header: Header): Triple {
  const [count, ...sizes] = readField(header, 'dim', 8);
  if (!(count >= 1 && count <= 7)) {
    throw dataError('NIFTI_HEADER', { file, expected: '1 to 7 dimensions (dim[0])', found: count });
  }
  // Programs leave out sizes of 1: a slice has two, and a third or later one may be 0.
  const used = sizes.slice(0, count).map((size, axis) => (axis >= 2 && size === 0 ? 1 : size));
  const found = used.join(' x ');
  if (used.some((size) => size < 1)) {
    throw dataError('NIFTI_HEADER', { file, expected: 'dimensions of 1 and more', found });
  }
  if (count < 2 || used.slice(3).some((size) => size !== 1)) throw dataError('NIFTI_DIMENSIONS', { file, found });
  return [used[0], used[1], used[2] ?? 1];
}
