/**
 * PyTorch's `.pth` / `.pt` files, read without running the pickles inside: the zip layout (since PyTorch 1.6) and the
 * older one of pickles and storages in a row (`torch/serialization.py`, `_save` and `_legacy_save`).
 * Left out: the tar layout before PyTorch 0.1.10, TorchScript archives, files of big-endian machines.
 */
import { type ByteSource, openBytes } from './bytes.js';
import { formatError } from './errors.js';
import { unpickle } from './pickle.js';
import type { PthStorage, PthTensor, PthValue } from './pth-value.js';
import { type PthWorld, pthWorld } from './pth-world.js';
import { elementCount, itemSizes } from './raw-tensor.js';
import { gather, isContiguous } from './strided.js';
import { openZip } from './zip.js';

/** Bytes of one pickle; that of a model of 2.5 GB has a tenth of a megabyte. */
const pickleLimit = 2 ** 25;
const magic = 0x1950a86a20f9469cfc6cn;

export interface Pth {
  value: PthValue;
  /** All tensors in `value`, their data not read yet. */
  tensors: PthTensor[];
  /** The bytes of all elements stored under the storage's key. */
  read(storage: PthStorage): Uint8Array;
}

/** Which of PyTorch's layouts the file begins like. */
export function pthLayout(source: ByteSource): 'zip' | 'pickles' | 'tar' | undefined {
  const start = Buffer.from(source.read(0, Math.min(source.size, 262)));
  if (start.toString('latin1', 0, 4) === 'PK\x03\x04') return 'zip';
  if (start.toString('latin1', 257) === 'ustar') return 'tar';
  return start[0] === 0x80 && start[1]! <= 5 ? 'pickles' : undefined;
}

/**
 * Everything in the file, its tensors contiguous; tensors that share a storage share memory here too.
 *
 * @throws GraftError TENSOR_FILE_UNREADABLE, PTH_DAMAGED, PTH_UNSUPPORTED, PTH_FORBIDDEN, PTH_TOO_LARGE,
 *   TENSOR_DTYPE_UNSUPPORTED
 */
export function readPth(path: string): PthValue {
  using source = openBytes(path);
  const pth = parsePth(source);
  fetchTensors(source, pth, pth.tensors);
  return pth.value;
}

/** Reads what the file describes but none of its tensors' data. @throws GraftError as `readPth` */
export function parsePth(source: ByteSource): Pth {
  const layout = pthLayout(source);
  if (layout === 'zip') return parseZip(source);
  if (layout === 'pickles') return parsePickles(source);
  const expected = 'a file of torch.save';
  const found = layout === 'tar' ? 'the tar layout from before PyTorch 0.1.10' : 'something else';
  throw formatError('PTH_UNSUPPORTED', { file: source.file, expected, found });
}

/** Fills in the data of these tensors of the file. @throws GraftError PTH_DAMAGED, PTH_TOO_LARGE */
export function fetchTensors(source: ByteSource, pth: Pth, tensors: Iterable<PthTensor>): void {
  const storages = new Map<string, Uint8Array>();
  // A view may repeat elements without end (stride 0): copies are bounded by what the file can hold.
  let copies = 4 * source.size + 2 ** 24;
  for (const tensor of tensors) {
    const { storage, shape } = tensor;
    const itemSize = itemSizes[tensor.dtype];
    const stored = storages.get(storage.key) ?? pth.read(storage);
    storages.set(storage.key, stored);
    if (stored.length !== storage.stored * itemSize) {
      const expected = `${storage.stored * itemSize} bytes in storage ${storage.key}`;
      throw formatError('PTH_DAMAGED', { file: source.file, expected, found: stored.length });
    }
    const bytes = stored.subarray(storage.start * itemSize, (storage.start + storage.length) * itemSize);
    const length = elementCount(shape) * itemSize;
    if (isContiguous(tensor)) {
      tensor.data = bytes.subarray(tensor.offset * itemSize, tensor.offset * itemSize + length);
      continue;
    }
    copies -= length;
    if (copies < 0) {
      const expected = 'strided views that repeat little';
      throw formatError('PTH_TOO_LARGE', { file: source.file, expected, found: `shape [${shape}] and others` });
    }
    tensor.data = gather(bytes, tensor);
  }
}

function parseZip(source: ByteSource): Pth {
  const { file } = source;
  const world = pthWorld(file);
  const zip = openZip(source);
  const pickle = [...zip.entries.keys()].find((name) => /^([^/]*\/)?data\.pkl$/.test(name));
  if (pickle === undefined) throw world.damaged('data.pkl in the archive', 'none');
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (zip.entries.has(`${folder}constants.pkl`)) {
    throw formatError('PTH_UNSUPPORTED', { file, expected: 'a file of torch.save', found: 'a TorchScript program' });
  }
  if (zip.entries.has(`${folder}byteorder`)) {
    const order = Buffer.from(zip.read(`${folder}byteorder`)).toString('latin1', 0, 8);
    if (order !== 'little') throw bigEndian(file);
  }
  const { size } = zip.entries.get(pickle)!;
  if (size > pickleLimit) throw world.tooLarge(`a pickle of at most ${pickleLimit} bytes`, `${size}`);
  const { value } = unpickle(zip.read(pickle), 0, world);
  return { value, tensors: world.tensors, read: (storage) => zip.read(`${folder}data/${storage.key}`) };
}

function parsePickles(source: ByteSource): Pth {
  const { file } = source;
  const world = pthWorld(file);
  const bytes = source.read(0, Math.min(source.size, pickleLimit));
  const number = unpickle(bytes, 0, world);
  if (number.value !== magic) {
    throw formatError('PTH_UNSUPPORTED', { file, expected: 'a file of torch.save', found: 'another kind of pickle' });
  }
  const protocol = unpickle(bytes, number.end, world);
  if (protocol.value !== 1001) throw world.damaged('protocol version 1001', 'another');
  const system = unpickle(bytes, protocol.end, world);
  if (system.value instanceof Map && system.value.get('little_endian') === false) throw bigEndian(file);
  const object = unpickle(bytes, system.end, world);
  const keys = unpickle(bytes, object.end, world);
  const places = storagePlaces(source, world, keys.value, keys.end);
  const read = ({ key }: PthStorage) => {
    const place = places.get(key);
    if (!place) throw world.damaged(`storage ${key}`, 'none');
    return source.read(place.offset, place.length);
  };
  return { value: object.value, tensors: world.tensors, read };
}

/** The storages follow in the order of their keys, each behind its number of elements (int64). */
function storagePlaces(source: ByteSource, world: PthWorld, keys: PthValue, start: number) {
  if (!Array.isArray(keys)) throw world.damaged('a list of storage keys', 'something else');
  const known = new Map(world.storages.map((storage) => [storage.key, storage]));
  const places = new Map<PthValue, { offset: number; length: number }>();
  let at = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? known.get(key) : undefined;
    if (!storage) throw world.damaged('keys of storages that tensors use', 'another');
    const head = source.read(at, 8);
    const count = Number(new DataView(head.buffer, head.byteOffset).getBigInt64(0, true));
    if (count !== storage.stored) throw world.damaged(`${storage.stored} elements in storage ${storage.key}`, count);
    const length = count * itemSizes[storage.dtype];
    places.set(key, { offset: at + 8, length });
    at += 8 + length;
  }
  return places;
}

const bigEndian = (file: string) =>
  formatError('PTH_UNSUPPORTED', { file, expected: 'little-endian numbers', found: 'a file of a big-endian machine' });
