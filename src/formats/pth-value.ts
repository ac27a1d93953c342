/** The values a PyTorch checkpoint can hold when read without running any of its code. */
import type { DType } from '../torch/index.js';
import type { RawTensor } from './raw-tensor.js';

/**
 * Lists and tuples are arrays, dicts are Maps, bytes are Uint8Array, whole numbers beyond 2^53 are bigint; a device is a
 * text like 'cuda:0', an element type one like 'torch.float32'. Values may be shared and may contain themselves.
 */
export type PthValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PthValue[]
  | Set<PthValue>
  | Map<PthValue, PthValue>
  | PthTensor
  | PthStorage
  | PthGlobal;

/** A run of elements that tensors look into. */
export class PthStorage {
  readonly key: string;
  readonly dtype: DType;
  /** Elements that are stored under `key`. */
  readonly stored: number;
  /** The part of them that this storage is, in elements. */
  readonly start: number;
  readonly length: number;

  constructor(key: string, dtype: DType, stored: number, start: number, length: number) {
    this.key = key;
    this.dtype = dtype;
    this.stored = stored;
    this.start = start;
    this.length = length;
  }
}

/** A tensor of the file; its data is empty until the reader fetches it. */
export class PthTensor implements RawTensor {
  readonly dtype: DType;
  readonly shape: number[];
  data: Uint8Array = new Uint8Array(0);
  readonly storage: PthStorage;
  /** In elements of the storage, as are the strides. */
  readonly offset: number;
  readonly strides: number[];

  constructor(storage: PthStorage, offset: number, shape: number[], strides: number[]) {
    this.dtype = storage.dtype;
    this.shape = shape;
    this.storage = storage;
    this.offset = offset;
    this.strides = strides;
  }
}

/** Pays for work that is not in proportion to the bytes of a pickle's instruction, such as copying a list. */
export type Spend = (items: number) => void;

/** Stands for calling a function or class. */
export type PthCall = (spend: Spend, ...args: PthValue[]) => PthValue;

/** A function or class that a pickle names. */
export class PthGlobal {
  readonly name: string;
  readonly call: PthCall | undefined;
  /** Of a storage class: the element type. */
  readonly dtype: DType | undefined;

  constructor(name: string, { call, dtype }: { call?: PthCall; dtype?: DType }) {
    this.name = name;
    this.call = call;
    this.dtype = dtype;
  }
}

/** What a message calls a value: its kind, never its content, which may be huge or contain itself. */
export function kindOf(value: PthValue | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (value instanceof PthTensor) return 'a tensor';
  if (value instanceof PthStorage) return 'a storage';
  if (value instanceof PthGlobal) return value.name;
  if (value instanceof Map) return 'a dict';
  if (value instanceof Set) return 'a set';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Uint8Array) return 'bytes';
  return { string: 'a text', boolean: 'a truth value' }[typeof value as string] ?? 'a number';
}
