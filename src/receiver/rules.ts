/** Which model a series is segmented with: the first rule whose words it has. */
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { readFault, readRegularText } from '../core/index.js';
import type { SeriesWords } from '../data/index.js';
import type { RoutingOptions } from '../jobs/index.js';
import { receiverError } from './errors.js';

/** A model, and perhaps an adapter or several to choose from. */
export interface Choice {
  model: string;
  adapter?: string | undefined;
  adapters?: RoutingOptions | undefined;
}

export interface Rule extends Choice {
  /** What the series' headers have to say; of several patterns, any. */
  when: { [Word in keyof SeriesWords]?: readonly string[] | undefined };
}

const pattern = z.string().min(1).max(200);
const patterns = z.union([pattern.transform((one) => [one]), z.array(pattern).min(1).max(100)]).optional();
const words = [
  'modality',
  'manufacturer',
  'device',
  'bodyPart',
  'protocol',
  'series',
  'study',
] as const satisfies readonly (keyof SeriesWords)[];
const rulesSchema = z.strictObject({
  rules: z
    .array(
      z
        .strictObject({
          when: z.strictObject(Object.fromEntries(words.map((word) => [word, patterns]))).default({}),
          model: z.string().min(1),
          adapter: z.string().min(1).optional(),
          adapters: z.string().min(1).optional(),
          certainty: z.number().min(0).max(1).default(0.5),
        })
        .refine(({ adapter, adapters }) => !(adapter && adapters), 'adapter and adapters exclude each other'),
    )
    .min(1)
    .max(1000),
});

/** Bytes; what a person writes is small. */
const limit = 2 ** 18;

/** @returns rules with paths from the file's folder @throws GraftError RULES_INVALID */
export function readRules(file: string): Rule[] {
  const invalid = (problems: string, cause?: unknown) => receiverError('RULES_INVALID', { file, problems }, cause);
  let content: unknown;
  try {
    content = parse(readRegularText(file, limit), { maxAliasCount: 0 });
  } catch (error) {
    throw invalid(readFault(error).split('\n')[0].replace(/[.:]$/, ''), error);
  }
  const { data, error } = rulesSchema.safeParse(content);
  if (!data)
    throw invalid(error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`).join('; '));
  const from = (path: string) => resolve(dirname(file), path);
  return data.rules.map(({ when, model, adapter, adapters, certainty }) => ({
    when,
    model: from(model),
    ...(adapter && { adapter: from(adapter) }),
    ...(adapters && { adapters: { folder: from(adapters), certainty } }),
  }));
}

/** The first rule that a series follows; undefined where no rule is about it. */
export const ruleFor = (rules: readonly Rule[], said: SeriesWords): Choice | undefined =>
  rules.find(({ when }) => words.every((word) => when[word]?.some((one) => matches(one, said[word])) ?? true));

/** An asterisk stands for any letters; capitals are not told from small ones. */
function matches(glob: string, text: string): boolean {
  const parts = glob.toLowerCase().split('*');
  const whole = text.toLowerCase();
  const [first, last] = [parts[0], parts.at(-1) ?? ''];
  if (parts.length === 1) return whole === first;
  if (!whole.startsWith(first) || !whole.endsWith(last) || whole.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = whole.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= whole.length - last.length;
}
