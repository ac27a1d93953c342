/** The recipes that come with graft, taken by name from any folder. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearest } from '../core/index.js';
import { runError } from './errors.js';

/** The package's own folder; `src/` and `dist/` lie at the same depth. */
const folder = fileURLToPath(new URL('../../recipes/', import.meta.url));

export interface ListedRecipe {
  /** The file's name without its extension. */
  name: string;
  file: string;
  /** The first line of the comment that the file begins with. */
  summary: string;
}

/** Every recipe of the package, by name. */
export function listRecipes(): ListedRecipe[] {
  const files = readdirSync(folder).filter((name) => extname(name) === '.yaml');
  return files.sort().map((name) => {
    const file = join(folder, name);
    const [first] = readFileSync(file, 'utf8').split('\n', 1);
    return { name: basename(name, '.yaml'), file, summary: first.replace(/^#\s*/, '') };
  });
}

/**
 * The file that a recipe's argument means: a file that is there, otherwise the package's recipe of that name, such as
 * `phantom-scanners`.
 *
 * @throws GraftError RECIPE_NOT_FOUND with the nearest name and all there are
 */
export function findRecipe(argument: string): string {
  if (existsSync(argument) && !statSync(argument).isDirectory()) return argument;
  const listed = listRecipes();
  const known = listed.find(({ name }) => name === argument);
  if (known) return known.file;
  const names = listed.map(({ name }) => name);
  throw runError('RECIPE_NOT_FOUND', {
    file: argument,
    nearest: nearest(basename(argument, extname(argument)), names),
    names: names.join(', '),
  });
}
