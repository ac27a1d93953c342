/**
 * A payload: a safetensors file as bytes, with metadata that says what it is. Scales of all tensors are one further
 * tensor `#scales`, in the order of names: a header entry for each of them would cost more than they do.
 */
import { GraftError } from '../../core/index.js';
import { decodeSafetensors, elementCount, encodeSafetensors, type RawTensor } from '../../formats/index.js';
import { federateError } from '../errors.js';
import { type Compression, compress, decompress } from './compression.js';
import type { Coded, WireFormat } from './format.js';

export type CodedState = Map<string, Coded>;

/** Bytes as they travel, and how many they are before compression. */
export interface Payload {
  bytes: Uint8Array;
  length: number;
}

const scalesName = '#scales';
const scaleBytes = 2;
const sortedNames = (coded: ReadonlyMap<string, unknown>) => [...coded.keys()].sort();

/** Equal content gives equal bytes. */
export function encodePayload(
  coded: CodedState,
  { dtype }: WireFormat,
  metadata: Record<string, string>,
  compression: Compression,
): Payload {
  const tensors = new Map<string, RawTensor>(
    [...coded].map(([name, { shape, data }]) => [name, { dtype, shape, data }]),
  );
  const scales = Buffer.concat(sortedNames(coded).map((name) => coded.get(name)!.scales));
  if (scales.length > 0)
    tensors.set(scalesName, { dtype: 'bfloat16', shape: [scales.length / scaleBytes], data: scales });
  const plain = Buffer.concat(encodeSafetensors(tensors, metadata));
  return { bytes: compress(plain, compression), length: plain.length };
}

/**
 * @param limit of the bytes after decompression
 * @param from who sent it, for messages
 * @throws GraftError PAYLOAD_INVALID, COMPRESSION_MISSING
 */
export function decodePayload(
  bytes: Uint8Array,
  format: WireFormat,
  compression: Compression,
  { limit, from }: { limit: number; from: string },
): { coded: CodedState; metadata: Record<string, string> } {
  const invalid = (reason: string, cause?: unknown) => federateError('PAYLOAD_INVALID', { from, reason }, cause);
  try {
    const { tensors, metadata } = decodeSafetensors(decompress(bytes, compression, limit), 'the payload');
    const scales = tensors.get(scalesName);
    tensors.delete(scalesName);
    let at = 0;
    const coded: CodedState = new Map();
    for (const name of sortedNames(tensors)) {
      const { dtype, shape, data } = tensors.get(name)!;
      if (dtype !== format.dtype) throw invalid(`${name} is ${dtype} instead of ${format.dtype}`);
      const end = at + (elementCount(shape) === 0 ? 0 : format.scaleCount(shape) * scaleBytes);
      coded.set(name, { shape, data, scales: scales?.data.subarray(at, end) ?? new Uint8Array() });
      at = end;
    }
    if (at !== (scales?.data.length ?? 0) || (scales && scales.dtype !== 'bfloat16'))
      throw invalid(`its scales have ${scales?.data.length ?? 0} bytes instead of ${at}`);
    return { coded, metadata };
  } catch (error) {
    if (error instanceof GraftError && error.code !== 'SAFETENSORS_INVALID' && !error.code.startsWith('TENSOR_'))
      throw error;
    throw invalid((error as Error).message, error);
  }
}
