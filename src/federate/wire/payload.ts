/**
 * A payload: a safetensors file as bytes, with metadata that says what it is. Scales of all tensors are one further
 * tensor `#scales`, in the order of names: a header entry for each of them would cost more than they do.
 */
import { GraftError, shownName } from '../../core/index.js';
import { decodeSafetensors, elementCount, type RawTensor, SafetensorsPieces } from '../../formats/index.js';
import { federateError } from '../errors.js';
import { type Compression, compress, decompress } from './compression.js';
import type { Coded, WireFormat } from './format.js';

export type CodedState = Map<string, Coded>;

/** Bytes as they travel, and how many they are before compression. */
export interface Payload {
  bytes: Uint8Array;
  length: number;
}

/** The tensor that holds the scales of all others. */
export const scalesName = '#scales';
const scaleBytes = 2;
const sortedNames = (coded: ReadonlyMap<string, unknown>) => [...coded.keys()].sort();

/** Which bytes of the scales belong to which tensor: [first, behind the last], in the order of names. */
export function scaleRanges(
  shapes: ReadonlyMap<string, readonly number[]>,
  format: WireFormat,
): Map<string, [number, number]> {
  let at = 0;
  return new Map(
    sortedNames(shapes).map((name) => {
      const shape = shapes.get(name)!;
      const start = at;
      at += elementCount(shape) === 0 ? 0 : format.scaleCount(shape) * scaleBytes;
      return [name, [start, at]];
    }),
  );
}

/** Equal content gives equal bytes. */
export function encodePayload(...content: Parameters<typeof encodePieces>): Payload {
  const { pieces, length } = encodePieces(...content);
  return { bytes: Array.isArray(pieces) ? pieces[0] : joined(pieces, length), length };
}

function joined(pieces: Iterable<Uint8Array>, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * A payload that is written piece by piece: of what is not compressed no more than a tensor is in memory, where data are
 * made when they are asked for.
 *
 * @returns pieces that can be gone through several times; their length before compression
 */
export function encodePieces(
  coded: CodedState,
  { dtype }: WireFormat,
  metadata: Record<string, string>,
  compression: Compression,
): { pieces: SafetensorsPieces | [Uint8Array]; length: number } {
  const tensors = new Map<string, RawTensor>(
    [...coded].map(([name, one]) => [
      name,
      {
        ...{ dtype, shape: one.shape },
        get data() {
          return one.data;
        },
      },
    ]),
  );
  const scales = Buffer.concat(sortedNames(coded).map((name) => coded.get(name)!.scales));
  if (scales.length > 0)
    tensors.set(scalesName, { dtype: 'bfloat16', shape: [scales.length / scaleBytes], data: scales });
  const pieces = new SafetensorsPieces(tensors, metadata);
  const { length } = pieces;
  return { pieces: compression === 'none' ? pieces : [compress(joined(pieces, length), compression)], length };
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
    for (const name of sortedNames(tensors)) {
      const { dtype } = tensors.get(name)!;
      if (dtype !== format.dtype) throw invalid(`${shownName(name)} is ${dtype} instead of ${format.dtype}`);
    }
    let wanted = 0;
    const coded: CodedState = new Map();
    const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
    for (const [name, [start, end]] of scaleRanges(shapes, format)) {
      const { shape, data } = tensors.get(name)!;
      coded.set(name, { shape, data, scales: scales?.data.subarray(start, end) ?? new Uint8Array() });
      wanted = end;
    }
    if (wanted !== (scales?.data.length ?? 0) || (scales && scales.dtype !== 'bfloat16'))
      throw invalid(`its scales have ${scales?.data.length ?? 0} bytes instead of ${wanted}`);
    return { coded, metadata };
  } catch (error) {
    // All else, of whichever layer, was brought about by the bytes.
    if (error instanceof GraftError && /^(PAYLOAD_INVALID|COMPRESSION_MISSING)$/.test(error.code)) throw error;
    throw invalid((error as Error).message, error);
  }
}
