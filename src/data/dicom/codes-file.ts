/** Codes of classes that a user writes down: what the table of common organs does not know, or knows otherwise. */
import { parse } from 'yaml';
import { z } from 'zod';
import { readRegularText } from '../../core/index.js';
import type { ClassCodes, GivenCodes } from './class-codes.js';
import type { Rgb } from './colour.js';
import { dicomError, reasonOf } from './errors.js';

const codeSchema = z.strictObject({
  value: z.string().min(1).max(16),
  scheme: z.string().min(1).max(16).default('SCT'),
  meaning: z.string().min(1).max(64),
});
const colourSchema = z
  .union([
    z.string().regex(/^#[0-9a-f]{6}$/i, 'expected a colour such as #dd8265'),
    z.tuple([z.int().min(0).max(255), z.int().min(0).max(255), z.int().min(0).max(255)]),
  ])
  .transform(
    (colour): Rgb =>
      typeof colour === 'string'
        ? ([1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as unknown as Rgb)
        : colour,
  );
const fileSchema = z.strictObject({
  classes: z.array(
    z.strictObject({
      name: z.string().min(1),
      code: codeSchema.optional(),
      category: codeSchema.optional(),
      modifier: codeSchema.optional(),
      region: codeSchema.optional(),
      colour: colourSchema.optional(),
    }),
  ),
});

/**
 * Reads a YAML or JSON file of codes: `classes: [{ name, code: { value, scheme, meaning }, category, modifier, region,
 * colour }]`, all but the name as needed.
 *
 * @throws GraftError DICOM_CODES_INVALID
 */
export function readSegmentCodes(file: string): GivenCodes {
  const invalid = (problems: string, cause?: unknown) => dicomError('DICOM_CODES_INVALID', { file, problems }, cause);
  let content: unknown;
  try {
    content = parse(readRegularText(file, 2 ** 18));
  } catch (error) {
    throw invalid(reasonOf(error).split('\n')[0].replace(/[.:]$/, ''), error);
  }
  const { data, error } = fileSchema.safeParse(content);
  if (!data)
    throw invalid(error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`).join('; '));
  const given = new Map<string, Partial<ClassCodes>>();
  for (const { name, code, ...others } of data.classes) {
    if (given.has(name)) throw invalid(`the class ${name} is there twice`);
    const said = Object.entries({ type: code, ...others }).filter(([, value]) => value !== undefined);
    given.set(name, Object.fromEntries(said));
  }
  return given;
}
