/**
 * One prepared case as a safetensors file: `images` float32 [n, 1, h, w], `labels` uint8 [n, h, w] where the case has
 * some, and as metadata where the slices lie. No name, path or word of the original's header is in it.
 *
 * A checksum (CRC-32) over tensors and metadata, and the tensors' names, tell an entry that was damaged on the disk. They
 * are compared once, when an entry is asked for, not while batches are drawn.
 */
import { crc32 } from 'node:zlib';
import { GraftError, type Pausing, pause, writeFileAtomic } from '../../core/index.js';
import { decodeSafetensors, encodeSafetensors, openSafetensors, type RawTensor } from '../../formats/index.js';
import { mapFile } from '../../torch/index.js';
import type { PreparedCase } from '../slices.js';
import { chunksOf } from './chunks.js';

const format = 'graft-slices';

/** Writes the entry, whole or not at all. @throws GraftError WRITE_FAILED */
export function writeEntry(path: string, { images, labels, geometry, spacing, quantiles }: PreparedCase): void {
  const [n, h, w] = geometry.shape;
  const bytes = new Uint8Array(images.buffer, images.byteOffset, images.byteLength);
  const tensors = new Map<string, RawTensor>([['images', { dtype: 'float32', shape: [n, 1, h, w], data: bytes }]]);
  if (labels) tensors.set('labels', { dtype: 'uint8', shape: [n, h, w], data: labels });
  const place = JSON.stringify({ geometry, spacing, quantiles });
  // The order of the file: wide elements first.
  const checksum = [bytes, labels ?? new Uint8Array()].reduce((sum, data) => crc32(data, sum), crc32(place));
  writeFileAtomic(path, ...encodeSafetensors(tensors, { format, place, checksum: String(checksum) }));
}

/** Whether the file is an entry, whole and as it was written; false also where there is none. */
export function* isIntact(path: string): Pausing<boolean> {
  try {
    using file = openSafetensors(path);
    const { format: found, place, checksum } = file.metadata;
    if (found !== format || place === undefined) return false;
    // The checksum does not cover the header: labels under a damaged name would be taken for no labels.
    if (file.names.some((name) => name !== 'images' && name !== 'labels')) return false;
    let sum = crc32(place);
    for (const chunk of chunksOf(path, file.info('images').offset)) {
      sum = crc32(chunk, sum);
      yield pause;
    }
    return String(sum) === checksum;
  } catch (error) {
    if (error instanceof GraftError) return false;
    throw error;
  }
}

/** Maps an intact entry into memory: its bytes are read when they are used, and may be dropped again. */
export function mapEntry(path: string): PreparedCase {
  const { tensors, metadata } = decodeSafetensors(mapFile(path), path);
  const { data: bytes } = tensors.get('images')!;
  return {
    ...(JSON.parse(metadata.place) as Pick<PreparedCase, 'geometry' | 'spacing' | 'quantiles'>),
    images: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4),
    ...(tensors.has('labels') && { labels: tensors.get('labels')!.data }),
  };
}
