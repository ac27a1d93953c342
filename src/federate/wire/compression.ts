/** Lossless compression of whole payloads. Node.js has zstd from 22.15 on; deflate is always there. */
import * as zlib from 'node:zlib';
import { federateError } from '../errors.js';

export const compressionNames = ['none', 'deflate', 'zstd'] as const;
export type Compression = (typeof compressionNames)[number];

type Codec = (bytes: Uint8Array, options?: { maxOutputLength: number }) => Uint8Array;

/** @throws GraftError COMPRESSION_MISSING */
function codecOf(compression: Exclude<Compression, 'none'>): { pack: Codec; unpack: Codec } {
  if (compression === 'deflate') return { pack: zlib.deflateSync, unpack: zlib.inflateSync };
  const { zstdCompressSync: pack, zstdDecompressSync: unpack } = zlib as { [name: string]: unknown } & typeof zlib;
  if (!pack || !unpack) throw federateError('COMPRESSION_MISSING', { compression, version: process.version });
  return { pack: pack as Codec, unpack: unpack as Codec };
}

/** @throws GraftError COMPRESSION_MISSING */
export const compress = (bytes: Uint8Array, compression: Compression): Uint8Array =>
  compression === 'none' ? bytes : codecOf(compression).pack(bytes);

/**
 * @param limit bytes that are given at most: a small payload cannot fill the memory
 * @throws GraftError COMPRESSION_MISSING; what zlib throws at bytes that it did not write
 */
export const decompress = (bytes: Uint8Array, compression: Compression, limit: number): Uint8Array =>
  compression === 'none' ? bytes : codecOf(compression).unpack(bytes, { maxOutputLength: limit });
