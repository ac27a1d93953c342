/**
 * The header of a safetensors file, checked as strictly as the reference implementation (huggingface/safetensors,
 * `tensor.rs`): nothing may overlap, be left over, be given twice or be of an unknown type.
 */

import type { DType } from '../torch/index.js';
import type { ByteSource } from './bytes.js';
import { formatError } from './errors.js';
import { elementCount, itemSizes } from './raw-tensor.js';

/** The reference implementation's limit, in bytes. */
export const headerLimit = 100_000_000;

/** The nesting at which the reference implementation stops. */
const depthLimit = 128;

export const dtypeCodes: Record<DType, string> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};
const dtypes = new Map(Object.entries(dtypeCodes).map(([dtype, code]) => [code, dtype as DType]));

export interface TensorInfo {
  dtype: DType;
  shape: number[];
  /** Where its bytes begin in the file. */
  offset: number;
  /** How many bytes it has. */
  length: number;
}

export interface SafetensorsHeader {
  tensors: Map<string, TensorInfo>;
  metadata: Record<string, string>;
}

/** @throws GraftError SAFETENSORS_INVALID, TENSOR_DTYPE_UNSUPPORTED */
export function readHeader(source: ByteSource): SafetensorsHeader {
  const { file } = source;
  const invalid = (expected: string, found: string | number) =>
    formatError('SAFETENSORS_INVALID', { file, expected, found });

  if (source.size < 8) throw invalid('at least 8 bytes', source.size);
  const start = source.read(0, 8);
  const length = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (length > headerLimit) throw invalid(`a header of at most ${headerLimit} bytes`, length);
  if (8 + length > source.size) throw invalid(`a header of ${length} bytes`, `${source.size - 8} bytes`);

  const headerBytes = source.read(8, length);
  let text: string;
  let oddity: string | undefined;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(headerBytes);
    oddity = oddityOf(text);
    header = oddity ? undefined : JSON.parse(text);
  } catch (error) {
    throw invalid('a JSON header', quote((error as Error).message));
  }
  if (oddity) throw invalid('a flat header of unique keys and whole numbers', oddity);
  if (!text.startsWith('{') || !isObject(header)) throw invalid('a JSON object as header', quote(text));

  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw invalid('texts as metadata', 'something else');
  }

  const tensors = new Map<string, TensorInfo>();
  for (const [name, entry] of Object.entries(entries)) {
    const tensor = quote(name);
    const { dtype: code, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
    if (typeof code !== 'string' || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
      throw invalid('dtype, shape and data_offsets for each tensor', tensor);
    }
    const dtype = dtypes.get(code);
    if (!dtype) {
      const expected = [...dtypes.keys()].join(', ');
      throw formatError('TENSOR_DTYPE_UNSUPPORTED', { file, tensor, found: quote(code), expected });
    }
    const bytes = elementCount(shape) * itemSizes[dtype];
    const [begin, end] = offsets as [number, number];
    if (bytes !== end - begin) {
      throw invalid(`${bytes} bytes for ${tensor} (${code} [${quote(shape.join(', '))}])`, end - begin);
    }
    tensors.set(name, { dtype, shape, offset: 8 + length + begin, length: bytes });
  }

  let end = 8 + length;
  for (const [name, info] of [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length)) {
    if (info.offset !== end) throw invalid(`${quote(name)} to begin at byte ${end} of the file`, info.offset);
    end += info.length;
  }
  if (end !== source.size) throw invalid(`a file of ${end} bytes`, source.size);
  return { tensors, metadata: metadata as Record<string, string> };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
const quote = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/**
 * What `JSON.parse` lets pass silently: a key given twice in one object, a number that is not written as digits, and
 * nesting without end. Of texts that are not JSON it need not tell anything.
 */
function oddityOf(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at]!;
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > depthLimit) return `nesting deeper than ${depthLimit}`;
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      const begin = at++;
      while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
      let next = at + 1;
      while (json[next] === ' ' || json[next] === '\n' || json[next] === '\r' || json[next] === '\t') next++;
      if (json[next] !== ':') continue;
      const key = JSON.parse(json.slice(begin, at + 1)) as string;
      if (open.at(-1)?.has(key)) return `the key ${quote(key)} twice`;
      open.at(-1)?.add(key);
    } else if (character === '-' || (character >= '0' && character <= '9')) {
      const begin = at;
      while (/[-+.\deE]/.test(json[at + 1] ?? '')) at++;
      const number = json.slice(begin, at + 1);
      if (!/^\d+$/.test(number)) return `the number ${quote(number)}`;
    }
  }
  return undefined;
}
