/**
 * What the pickle in a PyTorch file may name, each by what stands for it here: tensors, storages, sizes, devices,
 * element types, plain containers and NumPy's single numbers, which training programs leave in their logs. Everything else
 * is refused by name (PyTorch's `weights_only` has the same idea). Left out: sparse, quantised, complex and float8 tensors,
 * tensor subclasses, NumPy's arrays.
 */

import type { DType } from '../torch/index.js';
import { formatError } from './errors.js';
import { numpyNumber } from './numpy-number.js';
import { objectCost, type PickleWorld } from './pickle.js';
import { kindOf, type PthCall, PthGlobal, PthStorage, PthTensor, type PthValue, type Spend } from './pth-value.js';
import { elementCount, itemSizes } from './raw-tensor.js';

const storages: Record<string, DType> = {
  'torch.DoubleStorage': 'float64',
  'torch.FloatStorage': 'float32',
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.LongStorage': 'int64',
  'torch.IntStorage': 'int32',
  'torch.ShortStorage': 'int16',
  'torch.CharStorage': 'int8',
  'torch.ByteStorage': 'uint8',
  'torch.BoolStorage': 'bool',
  'torch.storage.UntypedStorage': 'uint8',
  'torch.storage._UntypedStorage': 'uint8',
};
const otherDtypes = ['complex64', 'complex128', 'uint16', 'uint32', 'uint64', 'float8_e4m3fn', 'float8_e5m2'];
const dtypeNames = new Set([...Object.keys(itemSizes), ...otherDtypes].map((name) => `torch.${name}`));

const expected = Object.keys(itemSizes).join(', ');
const understood = 'tensors, storages, sizes, devices and element types in dicts, lists, tuples and sets';
/** PyTorch itself stops at 64 dimensions. */
const dimensionLimit = 64;

/** The world of one file; the tensors and storages its pickle makes are collected. */
export interface PthWorld extends PickleWorld {
  tensors: PthTensor[];
  storages: PthStorage[];
}

export function pthWorld(file: string): PthWorld {
  const damaged: PickleWorld['damaged'] = (expected, found) => formatError('PTH_DAMAGED', { file, expected, found });
  const forbidden: PickleWorld['forbidden'] = (found) =>
    formatError('PTH_FORBIDDEN', { file, found: shown(found), expected: understood });
  const unsupported = (tensor: string, found: string) =>
    formatError('TENSOR_DTYPE_UNSUPPORTED', { file, tensor, found: shown(found), expected });
  const world: PthWorld = {
    tensors: [],
    storages: [],
    damaged,
    forbidden,
    tooLarge: (expected, found) => formatError('PTH_TOO_LARGE', { file, expected, found }),
    global(name) {
      if (dtypeNames.has(name)) return name;
      const dtype = Object.hasOwn(storages, name) ? storages[name] : undefined;
      if (dtype) return new PthGlobal(name, { dtype });
      if (/^torch\.(storage\.)?\w+Storage$/.test(name)) throw unsupported('a storage', name);
      const call = callables.get(name);
      if (!call) throw forbidden(name);
      return new PthGlobal(name, { call });
    },
    state(of, state) {
      // A state dict carries the versions of its modules as an attribute; they are not needed here.
      if (of instanceof Map && state instanceof Map) return;
      // A NumPy type's begins with a version and the byte order.
      const order = numpyTypes.has(of) && Array.isArray(state) ? state[1] : undefined;
      if (order !== '<' && order !== '|') throw forbidden(`a state set on ${kindOf(of)}`);
    },
    persistent(id) {
      const [kind, type, key, , stored, view = null] = Array.isArray(id) ? id : [];
      if (kind !== 'storage' || !(type instanceof PthGlobal) || !type.dtype || typeof key !== 'string') {
        throw damaged('a storage as persistent object', kindOf(id));
      }
      if (!isSize(stored)) throw damaged(`the number of elements of storage ${shown(key)}`, kindOf(stored));
      // Very old files: a part of another storage, under a key of its own.
      const [, start, length] = view === null ? [key, 0, stored] : Array.isArray(view) ? view : [];
      if (!isSize(start) || !isSize(length) || start + length > stored) {
        throw damaged(`a view within storage ${shown(key)}`, 'one beyond it');
      }
      const storage = new PthStorage(key, type.dtype, stored, start, length);
      world.storages.push(storage);
      return storage;
    },
  };

  /** The types of NumPy that were named, by what stands for them. */
  const numpyTypes = new Map<PthValue, string>();
  const numpyType: PthCall = (_, code) => {
    const type = new PthGlobal(`NumPy's type ${shown(text(code))}`, {});
    numpyTypes.set(type, text(code));
    return type;
  };
  const numpyScalar: PthCall = (_, type, bytes) => {
    const code = numpyTypes.get(type ?? null);
    const value = code !== undefined && bytes instanceof Uint8Array ? numpyNumber(code, bytes) : undefined;
    if (value === undefined) throw forbidden(`a NumPy value of ${kindOf(type)}`);
    return value;
  };

  const callables = new Map<string, PthCall>([
    ['numpy.dtype', numpyType],
    ['numpy.core.multiarray.scalar', numpyScalar],
    ['numpy._core.multiarray.scalar', numpyScalar],
    ['torch._utils._rebuild_tensor', tensor],
    ['torch._utils._rebuild_tensor_v2', tensor],
    // How PyTorch 2 writes the element types that have no storage class, such as float8.
    [
      'torch._utils._rebuild_tensor_v3',
      (...args) => {
        throw unsupported('a tensor', typeof args[7] === 'string' ? args[7] : 'unknown');
      },
    ],
    ['torch._utils._rebuild_parameter', (_, data) => parameter(data)],
    ['torch._utils._rebuild_parameter_with_state', (_, data) => parameter(data)],
    ['torch.Size', (_, sizes = []) => list(sizes)],
    ['torch.device', (_, type, index) => (isSize(index) ? `${text(type)}:${index}` : text(type))],
    ['collections.OrderedDict', dict],
    ['collections.Counter', dict],
    ...['builtins', '__builtin__'].flatMap((module): [string, PthCall][] => [
      [`${module}.set`, set],
      [`${module}.frozenset`, set],
      [`${module}.bytes`, (spend) => bytes(spend, '')],
    ]),
    // How protocol 2 writes bytes.
    ['_codecs.encode', bytes],
  ]);

  function tensor(spend: Spend, ...args: PthValue[]): PthTensor {
    const [storage, offset, shape, strides, , , metadata] = args;
    if (!(storage instanceof PthStorage)) throw damaged('a storage for each tensor', kindOf(storage));
    if (!isSizes(shape) || !isSizes(strides) || !isSize(offset) || shape.length !== strides.length) {
      throw damaged('offset, shape and strides for each tensor', 'something else');
    }
    if (metadata instanceof Map && (metadata.get('conj') === true || metadata.get('neg') === true)) {
      throw formatError('PTH_UNSUPPORTED', { file, expected: 'plain tensors', found: 'a conjugated or negated view' });
    }
    spend(objectCost + 2 * shape.length);
    const count = elementCount(shape);
    const last = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, offset);
    // Negated, so that a sum that is not a number is refused too.
    if (Number.isNaN(count) || (count > 0 && !(last < storage.length))) {
      const found = `shape [${shape}] with strides [${strides}] from element ${offset}`;
      throw damaged(`a tensor within the ${storage.length} elements of its storage`, shown(found));
    }
    const result = new PthTensor(storage, offset, [...shape], [...strides]);
    world.tensors.push(result);
    return result;
  }

  function parameter(data: PthValue | undefined): PthTensor {
    if (!(data instanceof PthTensor)) throw damaged('a tensor as parameter', kindOf(data));
    return data;
  }

  function dict(spend: Spend, items: PthValue = []): Map<PthValue, PthValue> {
    if (items instanceof Map) {
      spend(items.size);
      return new Map(items);
    }
    spend(list(items).length);
    const pairs = list(items).map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) throw damaged('pairs of key and value', kindOf(pair));
      return pair as [PthValue, PthValue];
    });
    return new Map(pairs);
  }

  function set(spend: Spend, items: PthValue = []): Set<PthValue> {
    spend(list(items).length);
    return new Set(list(items));
  }

  function bytes(spend: Spend, value?: PthValue): Uint8Array {
    spend(text(value).length);
    return Uint8Array.from(Buffer.from(text(value), 'latin1'));
  }

  function list(value: PthValue): PthValue[] {
    if (!Array.isArray(value)) throw damaged('a list', kindOf(value));
    return value;
  }

  function text(value: PthValue | undefined): string {
    if (typeof value !== 'string') throw damaged('a text', kindOf(value));
    return value;
  }

  return world;
}

const isSize = (value: PthValue | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSizes = (value: PthValue | undefined): value is number[] =>
  Array.isArray(value) && value.length <= dimensionLimit && value.every(isSize);
/** A name from the file, short and without control characters. */
const shown = (name: string) => name.slice(0, 120).replace(/[^\x20-\x7e]/g, '?');
