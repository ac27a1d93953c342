/** States as files: safetensors written and read, PyTorch checkpoints read. */
import { createHash } from 'node:crypto';
import { Room } from '../core/index.js';
import { type RawTensor, readCheckpoint, writeSafetensors } from '../formats/index.js';
import { fromBytes } from '../torch/index.js';
import type { State } from './state.js';

const toRaw = (state: State): Map<string, RawTensor> =>
  new Map([...state].map(([name, value]) => [name, { dtype: value.dtype, shape: value.shape, data: value.toBytes() }]));

/**
 * Writes tensors to a safetensors file, whole or not at all; equal states and metadata give equal bytes.
 *
 * @throws GraftError WRITE_FAILED
 */
export const writeState = (path: string, state: State, metadata: Record<string, string> = {}): void =>
  writeSafetensors(path, toRaw(state), metadata);

/**
 * Reads a safetensors file (mapped into memory: its bytes are read when they are used) or a PyTorch checkpoint (`.pth`,
 * nothing in it is executed).
 *
 * @returns tensors on the CPU that the caller owns, and the file's metadata
 * @throws GraftError naming what is wrong with the file
 */
export function readState(path: string): { state: State; metadata: Record<string, string> } {
  const { tensors, metadata } = readCheckpoint(path);
  const state: State = new Map();
  for (const [name, { dtype, shape, data }] of tensors) {
    const value = fromBytes(data, dtype, shape, { copy: false });
    value.label = name;
    state.set(name, value);
  }
  return { state, metadata };
}

/** SHA-256 of names, element types, shapes and bits, in order of name: equal for equal networks. */
export function fingerprint(state: State): string {
  const hash = createHash('sha256');
  const room = new Room();
  for (const name of [...state.keys()].sort()) {
    const value = state.get(name)!;
    hash.update(`${name} ${value.dtype} ${value.shape.join('x')}\n`).update(value.toBytes(room));
  }
  return hash.digest('hex');
}
