/**
 * safetensors: named tensors and texts in one file, read lazily (the header first, each tensor's bytes at need).
 *
 * Format: 8 bytes header length (little-endian), JSON header padded with spaces to a multiple of 8, the tensors' bytes
 * without gaps (https://github.com/huggingface/safetensors#format).
 */
import { GraftError, writeFileAtomic } from '../core/index.js';
import { type ByteSource, memoryBytes, openBytes } from './bytes.js';
import { digestKey, digestOf, sealed } from './digest.js';
import { formatError } from './errors.js';
import { elementCount, itemSizes, type RawTensor } from './raw-tensor.js';
import { dtypeCodes, headerLimit, readHeader, type SafetensorsHeader, type TensorInfo } from './safetensors-header.js';

/** An open file: only its header is in memory. Close it, or declare it with `using`. */
export class SafetensorsFile implements Disposable {
  /** What errors call it. */
  readonly name: string;
  readonly names: string[];
  readonly metadata: Record<string, string>;
  readonly #source: ByteSource;
  readonly #header: SafetensorsHeader;

  constructor(source: ByteSource) {
    this.name = source.file;
    this.#source = source;
    this.#header = readHeader(source);
    this.names = [...this.#header.tensors.keys()];
    this.metadata = this.#header.metadata;
  }

  /** @throws GraftError TENSOR_MISSING */
  info(name: string): TensorInfo {
    const info = this.#header.tensors.get(name);
    if (info) return info;
    const found = `${this.names.length} others, such as ${this.names.slice(0, 3).join(', ') || 'none'}`;
    throw formatError('TENSOR_MISSING', { file: this.#source.file, tensor: name, found });
  }

  /** Reads the bytes of this tensor only. @throws GraftError TENSOR_MISSING, TENSOR_FILE_TRUNCATED */
  read(name: string): RawTensor {
    const { dtype, shape, offset, length } = this.info(name);
    return { dtype, shape: [...shape], data: this.#source.read(offset, length) };
  }

  close(): void {
    this.#source[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @throws GraftError TENSOR_FILE_UNREADABLE, SAFETENSORS_INVALID, TENSOR_DTYPE_UNSUPPORTED */
export function openSafetensors(path: string): SafetensorsFile {
  const source = openBytes(path);
  try {
    return new SafetensorsFile(source);
  } catch (error) {
    source[Symbol.dispose]();
    throw error;
  }
}

export interface TensorFile {
  tensors: Map<string, RawTensor>;
  metadata: Record<string, string>;
}

/** The tensors whose names `only` accepts, or all. @throws GraftError as `openSafetensors`, SAFETENSORS_DAMAGED */
export function readSafetensors(path: string, { only }: { only?: (name: string) => boolean } = {}): TensorFile {
  using file = openSafetensors(path);
  return collect(file, only);
}

/** The same from memory; the tensors share `bytes`. `name` is what errors call it. */
export const decodeSafetensors = (bytes: Uint8Array, name = 'safetensors'): TensorFile =>
  collect(new SafetensorsFile(memoryBytes(bytes, name)));

/** @throws GraftError SAFETENSORS_DAMAGED where all is read and is not what the file's digest was made of */
function collect(file: SafetensorsFile, only?: (name: string) => boolean): TensorFile {
  const tensors = new Map(file.names.filter(only ?? (() => true)).map((name) => [name, file.read(name)]));
  const { [digestKey]: digest, ...metadata } = file.metadata;
  if (digest !== undefined && !only && digestOf(tensors, metadata) !== digest)
    throw formatError('SAFETENSORS_DAMAGED', { file: file.name });
  return { tensors, metadata };
}

/** What can be said of a file: as it was written; not of a program that leaves a digest; or no such file any more. */
export function checkSafetensors(path: string): 'whole' | 'unsealed' | 'damaged' {
  try {
    using file = openSafetensors(path);
    collect(file);
    return digestKey in file.metadata ? 'whole' : 'unsealed';
  } catch (error) {
    if (error instanceof GraftError) return 'damaged';
    throw error;
  }
}

/**
 * The file's bytes in pieces: the header, then each tensor's data, which is asked for when it is its turn. Equal content
 * gives equal bytes: wide element types come first (so every tensor stays aligned), then names in order; metadata is
 * sorted too.
 */
export class SafetensorsPieces implements Iterable<Uint8Array> {
  /** Bytes of the whole file. */
  readonly length: number;
  readonly #file: string;
  readonly #header: Uint8Array;
  readonly #tensors: readonly [name: string, tensor: RawTensor][];

  /** @param file named in errors @throws GraftError TENSOR_INVALID */
  constructor(
    tensors: ReadonlyMap<string, RawTensor>,
    metadata: Readonly<Record<string, string>> = {},
    file = 'safetensors',
  ) {
    const byName = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
    this.#file = file;
    this.#tensors = [...tensors].sort(
      ([a, x], [b, y]) => itemSizes[y.dtype] - itemSizes[x.dtype] || byName(x.dtype, y.dtype) || byName(a, b),
    );
    const entries: [string, unknown][] = [];
    if (Object.keys(metadata).length > 0) {
      entries.push(['__metadata__', Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => byName(a, b)))]);
    }
    let end = 0;
    for (const [name, { dtype, shape }] of this.#tensors) {
      if (name === '__metadata__') throw this.#invalid(name, 'a name that is not reserved', name);
      const begin = end;
      end += elementCount(shape) * itemSizes[dtype];
      entries.push([name, { dtype: dtypeCodes[dtype], shape, data_offsets: [begin, end] }]);
    }
    // Written entry by entry: an object would put names that look like numbers first.
    const json = Buffer.from(`{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)}}`);
    const header = new Uint8Array(8 + 8 * Math.ceil(json.length / 8)).fill(' '.charCodeAt(0));
    if (header.length > headerLimit) throw this.#invalid('header', `${headerLimit} bytes`, header.length);
    new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
    header.set(json, 8);
    this.#header = header;
    this.length = header.length + end;
  }

  #invalid(tensor: string, expected: string, found: string | number) {
    return formatError('TENSOR_INVALID', { file: this.#file, tensor, expected, found });
  }

  /** @throws GraftError TENSOR_INVALID where the data does not fit the shape */
  *[Symbol.iterator](): Generator<Uint8Array> {
    yield this.#header;
    for (const [name, tensor] of this.#tensors) {
      const { data } = tensor;
      const expected = elementCount(tensor.shape) * itemSizes[tensor.dtype];
      if (data.length !== expected) throw this.#invalid(name, `${expected} bytes`, data.length);
      yield data;
    }
  }
}

/** The pieces all at once, of tensors whose data are in memory. @throws GraftError TENSOR_INVALID */
export const encodeSafetensors = (...content: ConstructorParameters<typeof SafetensorsPieces>): Uint8Array[] => [
  ...new SafetensorsPieces(...content),
];

/** The file's bytes with a digest of all of it among the metadata, which is compared when it is read. */
export const sealSafetensors = (
  tensors: ReadonlyMap<string, RawTensor>,
  metadata: Readonly<Record<string, string>> = {},
  file?: string,
): SafetensorsPieces => new SafetensorsPieces(tensors, sealed(tensors, metadata), file);

/** Writes the file whole or not at all, with a digest. @throws GraftError TENSOR_INVALID, WRITE_FAILED */
export const writeSafetensors = (
  path: string,
  tensors: ReadonlyMap<string, RawTensor>,
  metadata: Readonly<Record<string, string>> = {},
): void => writeFileAtomic(path, sealSafetensors(tensors, metadata, path));
