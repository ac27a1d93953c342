/** Names that viewers see: of models, which stand in addresses, and of images, which become files. */
import { basename } from 'node:path';
import { nameFault } from '../core/index.js';
import type { RoutingOptions } from '../jobs/index.js';
import { serverError } from './errors.js';
import type { Served } from './message.js';

/** The file's name without its ending. */
export const nameOfModel = (file: string): string =>
  basename(file)
    .replace(/\.(safetensors|pth|pt)$/i, '')
    .replace(/[^\w.-]+/g, '-');

/** The name under which each image gets the adapter that fits, as `graft predict` calls that. */
export const automatic = 'auto';

/**
 * Adapters by the names that viewers see.
 *
 * @param given files, or NAME=FILE; `auto` stands for the choice among several
 * @param choice those to choose from
 * @throws GraftError SERVED_TWICE, SERVED_MODEL_NAME
 */
export function namedAdapters(given: readonly string[], choice?: RoutingOptions): Served['adapters'] {
  const named = new Map<string, string | RoutingOptions>();
  for (const one of given) {
    if (one === automatic && choice) {
      named.set(automatic, choice);
      continue;
    }
    const [, stated, file = one] = /^([^=/\\]+)=(.+)$/.exec(one) ?? [];
    const name = stated ?? nameOfModel(file);
    if (!/^\w[\w.-]*$/.test(name)) throw serverError('SERVED_MODEL_NAME', { name });
    const first = named.get(name);
    if (first !== undefined)
      throw serverError('SERVED_TWICE', {
        name,
        first: typeof first === 'string' ? first : first.folder,
        second: file,
      });
    named.set(name, file);
  }
  return Object.fromEntries(named);
}

/** An image's name as a file's: viewers call volumes what scanners call series, such as `3: T1 axial`. */
export const withoutSigns = (id: string): string => id.replace(/[<>:"/\\|?*]/g, '-').trim();

/** @throws GraftError IMAGE_NAME where it cannot be one all the same */
export function fileNameOf(id: string): string {
  const name = withoutSigns(id);
  const fault = nameFault(name);
  if (fault) throw serverError('IMAGE_NAME', { name: id, fault });
  return name;
}
