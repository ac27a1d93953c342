/** States as bytes in memory, and a few things that are done to whole states. */
import { shownName } from '../core/index.js';
import { decodeSafetensors, type RawTensor, sealSafetensors } from '../formats/index.js';
import type { State } from '../nn/index.js';
import { fromBytes, operator, scope, type Tensor } from '../torch/index.js';
import { federateError } from './errors.js';

export const rawOf = (value: Tensor): RawTensor => ({ dtype: value.dtype, shape: value.shape, data: value.toBytes() });

/** A safetensors file in pieces, with a digest. @param parts states by a prefix for their names */
export function encodeStates(parts: Record<string, State>, metadata: Record<string, string> = {}): Uint8Array[] {
  const tensors = new Map<string, RawTensor>();
  for (const [prefix, state] of Object.entries(parts))
    for (const [name, value] of state) tensors.set(`${prefix}/${name}`, rawOf(value));
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
  const parts = Object.fromEntries(prefixes.map((prefix) => [prefix, new Map()])) as Record<Prefix, State>;
  for (const [name, { dtype, shape, data }] of tensors) {
    const slash = name.indexOf('/');
    if (!prefixes.some((prefix) => prefix === name.slice(0, slash)))
      throw federateError('PAYLOAD_INVALID', { from: file, reason: `nothing here is called ${shownName(name)}` });
    const value = fromBytes(data, dtype, shape);
    value.label = name.slice(slash + 1);
    parts[name.slice(0, slash) as Prefix].set(value.label, value);
  }
  return { parts, metadata };
}

export const disposeState = (state: State): void => {
  for (const value of state.values()) value.dispose();
};

/** The tensors whose names a condition accepts; not copies. */
export const pick = (state: State, accepts: (name: string) => boolean): State =>
  new Map([...state].filter(([name]) => accepts(name)));

const isfinite = operator('aten::isfinite') as (x: Tensor) => Tensor;
const all = operator('aten::all') as (x: Tensor) => Tensor;

/** Whether every element is a number. */
export const allFinite = (value: Tensor): boolean => scope(() => Number(all(isfinite(value)).item()) === 1);
