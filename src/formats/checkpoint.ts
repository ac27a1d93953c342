/** The weights in a checkpoint, whatever program wrote it: safetensors or PyTorch, plain or inside a larger dict. */
import { mapFile } from '../torch/index.js';
import { type ByteSource, openBytes } from './bytes.js';
import { digestKey } from './digest.js';
import { formatError } from './errors.js';
import { fetchTensors, parsePth, pthLayout } from './pth.js';
import { kindOf, PthTensor, type PthValue } from './pth-value.js';
import type { RawTensor } from './raw-tensor.js';
import { decodeSafetensors, SafetensorsFile, type TensorFile } from './safetensors.js';

/** Where training programs put the weights among other things, the most telling name first. */
const nests = ['state_dict', 'model_state_dict', 'network_weights', 'model', 'net', 'network', 'weights'];

/**
 * The tensors by name, of a file in either format; found by its content, not its name. Only they are read, not an
 * optimiser's state beside them. A safetensors file is mapped into memory: what is never touched is never read, and
 * the file must not be cut short meanwhile (a file that is replaced as a whole does no harm). The metadata of a PyTorch
 * file are empty.
 *
 * @throws GraftError CHECKPOINT_UNKNOWN, STATE_DICT_MISSING and those of `openSafetensors` and `readPth`
 */
export function readCheckpoint(path: string): TensorFile {
  using source = openBytes(path);
  // Asked first: a header's length can begin like a pickle, but no pickle goes on like a header.
  if (looksLikeSafetensors(source)) return decodeSafetensors(mapFile(path), path);
  if (!pthLayout(source)) throw formatError('CHECKPOINT_UNKNOWN', { file: path, found: beginning(source) });
  const pth = parsePth(source);
  const tensors = tensorsOf(pth.value, path);
  fetchTensors(source, pth, tensors.values());
  return { tensors, metadata: {} };
}

/**
 * What a checkpoint says of itself, read without its tensors, so that it is not compared with its digest; empty for a
 * PyTorch file.
 *
 * @throws GraftError CHECKPOINT_UNKNOWN and those of `openSafetensors`
 */
export function readMetadata(path: string): Record<string, string> {
  using source = openBytes(path);
  if (looksLikeSafetensors(source)) {
    const { [digestKey]: _, ...metadata } = new SafetensorsFile(source).metadata;
    return metadata;
  }
  if (!pthLayout(source)) throw formatError('CHECKPOINT_UNKNOWN', { file: path, found: beginning(source) });
  return {};
}

/**
 * The tensors of a plain state dict, or of one under a usual key ('state_dict', 'model', …) or two. Names stay as they are.
 *
 * @throws GraftError STATE_DICT_MISSING with the keys found
 */
export const stateDictOf = (value: PthValue, path: string): Map<string, RawTensor> => tensorsOf(value, path);

function tensorsOf(value: PthValue, file: string): Map<string, PthTensor> {
  const inside = (one: PthValue | undefined) => (one instanceof Map ? nests.map((key) => one.get(key)) : []);
  const first = inside(value);
  const dict = [value, ...first, ...first.flatMap(inside)].find(isStateDict);
  if (!dict) throw formatError('STATE_DICT_MISSING', { file, expected: nests.join(', '), found: outline(value) });
  return new Map(dict);
}

const isStateDict = (value: PthValue | undefined): value is Map<string, PthTensor> =>
  value instanceof Map &&
  value.size > 0 &&
  [...value].every(([name, tensor]) => typeof name === 'string' && tensor instanceof PthTensor);

function outline(value: PthValue): string {
  if (!(value instanceof Map)) return kindOf(value);
  if (value.size === 0) return 'an empty dict';
  const shown = [...value].slice(0, 12).map(([key, item]) => {
    return `${typeof key === 'string' ? JSON.stringify(key.slice(0, 60)) : kindOf(key)} (${kindOf(item)})`;
  });
  return `a dict with ${shown.join(', ')}${value.size > shown.length ? ` and ${value.size - shown.length} more` : ''}`;
}

function looksLikeSafetensors(source: ByteSource): boolean {
  const start = source.read(0, Math.min(source.size, 9));
  return start[8] === '{'.charCodeAt(0) && start.subarray(4, 8).every((byte) => byte === 0);
}

function beginning(source: ByteSource): string {
  if (source.size === 0) return 'an empty file';
  const start = Buffer.from(source.read(0, Math.min(source.size, 32))).toString('latin1');
  return `a file that begins with ${JSON.stringify(start.replace(/[^\x20-\x7e]/g, '?'))}`;
}
