/**
 * A digest of all that a safetensors file says, kept among its metadata: a bit that changed on the disk is found when the
 * file is read. It does not depend on the order in which a program writes the tensors.
 */
import { createHash } from 'node:crypto';
import type { RawTensor } from './raw-tensor.js';

/** The metadata's key; files without it, of other programs and of earlier versions, are not checked. */
export const digestKey = 'graft.sha256';

/** SHA-256 over names, element types, shapes and bytes in order of name, and over the other metadata. */
export function digestOf(
  tensors: ReadonlyMap<string, RawTensor>,
  { [digestKey]: _, ...metadata }: Readonly<Record<string, string>>,
): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))));
  for (const name of [...tensors.keys()].sort()) {
    const { dtype, shape, data } = tensors.get(name)!;
    hash.update(`\n${JSON.stringify(name)} ${dtype} ${shape.join('x')}\n`).update(data);
  }
  return hash.digest('hex');
}

/** The metadata with the digest. */
export const sealed = (
  tensors: ReadonlyMap<string, RawTensor>,
  metadata: Readonly<Record<string, string>>,
): Record<string, string> => ({ ...metadata, [digestKey]: digestOf(tensors, metadata) });
