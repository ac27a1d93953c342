/** Finding a case in the cache, or preparing it. */
import { join } from 'node:path';
import type { Pause } from '../../core/index.js';
import { prepareCase } from '../slices.js';
import { isIntact, writeEntry } from './entry.js';
import { keyOf, type Request } from './key.js';

/**
 * The case's entry, made where there is none or a damaged one. Two runs that make the same entry at the same time write
 * the same bytes; the second replaces the first, whose file stays what it was for those who have mapped it.
 *
 * @returns the entry's path
 * @throws GraftError naming the file that cannot be used, or WRITE_FAILED
 */
export async function* fillEntry(folder: string, request: Request): AsyncGenerator<Pause, string> {
  const path = join(folder, `${yield* keyOf(request)}.safetensors`);
  if (!(yield* isIntact(path))) writeEntry(path, yield* prepareCase(request.case, request.preprocessing, request));
  return path;
}
