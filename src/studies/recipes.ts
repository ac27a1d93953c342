/** The recipes that come with graft, taken by name from any folder. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { didYouMean, isFolder } from '../core/index.js';
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

/** The names of YAML files; none where there is no such folder. */
const recipesIn = (place: string): string[] =>
  isFolder(place)
    ? readdirSync(place)
        .filter((name) => extname(name) === '.yaml')
        .sort()
    : [];

/** Every recipe of the package, by name. */
export function listRecipes(): ListedRecipe[] {
  return recipesIn(folder).map((name) => {
    const file = join(folder, name);
    const [first] = readFileSync(file, 'utf8').split('\n', 1);
    return { name: basename(name, '.yaml'), file, summary: first.replace(/^#\s*/, '') };
  });
}

/**
 * The file that a recipe's argument means: a file that is there, otherwise the package's recipe of that name, such as
 * `phantom-scanners`.
 *
 * @param from the folder that a path begins in
 * @throws GraftError RECIPE_NOT_FOUND with a name that is near, and all there are
 */
export function findRecipe(argument: string, from = '.'): string {
  const file = isAbsolute(argument) ? argument : join(from, argument);
  if (existsSync(file) && !isFolder(file)) return file;
  const listed = listRecipes();
  const known = listed.find(({ name }) => name === argument);
  if (known) return known.file;
  const names = listed.map(({ name }) => name);
  const beside = didYouMean(basename(file), recipesIn(dirname(file)));
  const suggestion = beside === '.' ? didYouMean(basename(file, extname(file)), names) : beside;
  throw runError('RECIPE_NOT_FOUND', { file, suggestion, names: names.join(', ') });
}
