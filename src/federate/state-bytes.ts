/** States as bytes in memory, whether their values are numbers, and how large they are. */
import { Room, shownName } from '../core/index.js';
import { decodeSafetensors, type RawTensor, type SafetensorsPieces, sealSafetensors } from '../formats/index.js';
import { joinStates, partOf, type State } from '../nn/index.js';
import { fromBytes, operator, scope, type Tensor } from '../torch/index.js';
import { federateError } from './errors.js';

const rawOf = (value: Tensor, room: Room): RawTensor => ({
  ...{ dtype: value.dtype, shape: value.shape },
  get data() {
    return value.toBytes(room);
  },
});

/** A safetensors file in pieces, with a digest; the bytes of one tensor at a time are in memory. @param parts states by a prefix for their names */
export function encodeStates(parts: Record<string, State>, metadata: Record<string, string> = {}): SafetensorsPieces {
  const room = new Room();
  const tensors = new Map([...joinStates(parts)].map(([name, value]) => [name, rawOf(value, room)] as const));
  return sealSafetensors(tensors, metadata);
}

/**
 * The states again, by prefix; the caller owns the tensors.
 *
 * @param file what errors call it
 * @throws GraftError SAFETENSORS_INVALID, SAFETENSORS_DAMAGED, PAYLOAD_INVALID
 */
export function decodeStates<Prefix extends string>(
  bytes: Uint8Array,
  prefixes: readonly Prefix[],
  file: string,
): { parts: Record<Prefix, State>; metadata: Record<string, string> } {
  const { tensors, metadata } = decodeSafetensors(bytes, file);
  const stray = [...tensors.keys()].find((name) => !prefixes.some((prefix) => name.startsWith(`${prefix}/`)));
  if (stray !== undefined)
    throw federateError('PAYLOAD_INVALID', { from: file, reason: `nothing here is called ${shownName(stray)}` });
  const state: State = new Map();
  for (const [name, { dtype, shape, data }] of tensors) {
    const value = fromBytes(data, dtype, shape);
    value.label = name.slice(name.indexOf('/') + 1);
    state.set(name, value);
  }
  const parts = Object.fromEntries(prefixes.map((prefix) => [prefix, partOf(state, `${prefix}/`)]));
  return { parts: parts as Record<Prefix, State>, metadata };
}

const isfinite = operator('aten::isfinite') as (x: Tensor) => Tensor;
const all = operator('aten::all') as (x: Tensor) => Tensor;

/** Whether every element is a number. */
export const allFinite = (value: Tensor): boolean => scope(() => Number(all(isfinite(value)).item()) === 1);

/** The Frobenius norm of all tensors together. */
export const normOf = (state: State): number => {
  let square = 0;
  for (const value of state.values()) square += scope(() => value.to('float64').norm().item()) ** 2;
  return Math.sqrt(square);
};
