/** Settings that people write: YAML files that are read by a strict schema. */
import { parse } from 'yaml';
import { z } from 'zod';
import { didYouMean, readFault, readRegularText } from '../core/index.js';
import { federationError } from './errors.js';

/** Bytes; what a person writes is small. */
const LIMIT = 2 ** 14;

/** @throws GraftError SETTINGS_INVALID, SETTINGS_UNKNOWN_KEY with the first key that is wrong */
export function readSettings<Schema extends z.ZodObject>(schema: Schema, file: string): z.output<Schema> {
  const invalid = (key: string, problem: string, cause?: unknown) =>
    federationError('SETTINGS_INVALID', { file, key, problem }, cause);
  let content: unknown;
  try {
    content = parse(readRegularText(file, LIMIT), { maxAliasCount: 0 }) ?? {};
  } catch (error) {
    throw invalid('the file', readFault(error).split('\n')[0], error);
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A misspelt key is also a missing one; the spelling is what the user can see.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const path = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') throw invalid(path.join('.') || 'the file', issue.message);
  const [key] = issue.keys;
  const known = path.reduce<z.ZodType>(within, schema);
  const keys = known instanceof z.ZodObject ? Object.keys(known.shape) : [];
  throw federationError('SETTINGS_UNKNOWN_KEY', {
    ...{ file, key: [...path, key].join('.'), suggestion: didYouMean(key, keys), keys: keys.join(', ') },
  });
}

/** What is at a key, without defaults and what may be null. */
function within(schema: z.ZodType, key: string): z.ZodType {
  let found: unknown = schema instanceof z.ZodObject ? schema.shape[key] : schema;
  for (;;) {
    const { innerType } = (found as { def: { innerType?: unknown } }).def;
    if (!innerType) return found as z.ZodType;
    found = innerType;
  }
}
