/** Reading recipes of any kind: YAML, values that overrule keys, and errors that name the key and suggest the nearest one. */
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { didYouMean, nameFault, readFault, readRegularText, repeated, shownName } from '../core/index.js';
import { runError } from './errors.js';

/**
 * What a recipe's file holds, not yet validated.
 *
 * @param overrides values by dotted key (`training.epochs`), as the command line gives them
 * @throws GraftError RECIPE_UNREADABLE, RECIPE_INVALID for a key that earlier versions had
 */
export function readContent(file: string, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const content = readYaml(file);
  for (const [key, value] of Object.entries(overrides)) setByPath(content, key.split('.'), value);
  const { report, ...kept } = content;
  // Recipes in the folders of older runs name the key with its default, which asked for nothing.
  const asked = report !== undefined && (report as { surfaces?: unknown } | null)?.surfaces !== false;
  if (asked)
    throw runError('RECIPE_INVALID', {
      file,
      key: 'report',
      problem: 'this key was removed, since reports no longer draw surfaces in three dimensions: leave it out',
    });
  return kept;
}

/**
 * What the recipe in a run's folder holds; a run of an earlier version may have asked for what is no longer there.
 * @throws GraftError RECIPE_UNREADABLE
 */
export function readSavedContent(file: string): Record<string, unknown> {
  const { report: _, ...kept } = readYaml(file);
  return kept;
}

/** Bytes. The parser compares every key with every other: what is larger would take it minutes. */
const largestRecipe = 2 ** 18;

function readYaml(file: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parseYaml(readRegularText(file, largestRecipe)) ?? {};
  } catch (error) {
    throw runError('RECIPE_UNREADABLE', { file, reason: readFault(error).split('\n')[0] }, error);
  }
  if (typeof content !== 'object' || Array.isArray(content))
    throw runError('RECIPE_UNREADABLE', { file, reason: 'it is not a list of keys and values' });
  return content as Record<string, unknown>;
}

/** Validates and fills in the defaults. @throws GraftError RECIPE_UNKNOWN_KEY, RECIPE_INVALID */
export function parseContent<Schema extends z.ZodType>(
  schema: Schema,
  content: unknown,
  file: string,
): z.output<Schema> {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const issues = flatten(parsed.error.issues);
  // A misspelt key is also a missing one; the spelling is what the user can see.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const key = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    const full = [...issue.path, issue.keys[0]].join('.');
    throw runError('RECIPE_UNKNOWN_KEY', {
      file,
      key: full,
      suggestion: didYouMean(issue.keys[0], known),
      keys: known.join(', '),
    });
  }
  throw runError('RECIPE_INVALID', { file, key: key || 'the recipe', problem: issue.message });
}

/**
 * Results lie under names: of two equal ones the second would pass for finished.
 * @throws GraftError RECIPE_INVALID
 */
export function checkDistinct(lists: Record<string, readonly (string | number)[]>, file: string): void {
  for (const [key, list] of Object.entries(lists)) {
    const twice = repeated(list);
    if (twice !== undefined) throw runError('RECIPE_INVALID', { file, key, problem: `${twice} is there twice` });
  }
}

/** A name that becomes a file's. */
export const fileNameSchema = z.string().superRefine((name, context) => {
  const fault = nameFault(name);
  if (fault) context.addIssue(`"${shownName(name)}" becomes a file name: ${fault}`);
});

/** The issues of a union's likeliest branch instead of the union's own: an object was meant where an object stands. */
function flatten(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union') return [issue];
    const branch =
      issue.errors.find((list) => list.some(({ code, path }) => code === 'unrecognized_keys' || path.length > 0)) ??
      issue.errors.find((list) => list.some(({ code }) => code !== 'invalid_type'));
    return branch ? flatten(branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))) : [issue];
  });
}

/** The keys that a schema knows at a path, through optional and default wrappers, arrays and unions. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema;
  const unwrap = (): void => {
    for (;;) {
      const { def } = current as { def: { innerType?: unknown; options?: unknown[] } };
      if (def.innerType) current = def.innerType;
      else if (def.options) current = def.options.find((option) => option instanceof z.ZodObject) ?? def.options[0];
      else return;
    }
  };
  for (const key of path) {
    unwrap();
    current = current instanceof z.ZodObject ? current.shape[key as string] : (current as z.ZodArray).element;
  }
  unwrap();
  return Object.keys((current as z.ZodObject).shape);
}

/**
 * Puts a value at a path of keys; what is missing on the way, or no object, becomes one.
 *
 * @throws GraftError RECIPE_INVALID for what every object has: `__proto__.x` would change them all
 */
export function setByPath(target: Record<string, unknown>, [key, ...rest]: string[], value: unknown): void {
  if (key in {})
    throw runError('RECIPE_INVALID', { file: 'the command line', key, problem: 'no setting is called so' });
  if (rest.length === 0) target[key] = value;
  else {
    if (typeof target[key] !== 'object' || target[key] === null) target[key] = {};
    setByPath(target[key] as Record<string, unknown>, rest, value);
  }
}
