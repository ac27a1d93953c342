/** What graft's own files say of themselves beside their tensors: values as JSON, and why a file is refused. */
import { z } from 'zod';

/** A value that metadata hold as JSON. */
export const jsonOf = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, { issues }) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        issues.push({ code: 'custom', input: text, message: 'is not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema as z.ZodType<z.output<Schema>>);

/**
 * Metadata by a schema whose `format` is a literal.
 *
 * @param refuse makes the error: the file has another format, or one of its values is not as expected
 */
export function parseMetadata<Schema extends z.ZodType>(
  schema: Schema,
  metadata: Record<string, string>,
  refuse: (reason: string) => Error,
): z.output<Schema> {
  const parsed = schema.safeParse(metadata);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  if (path[0] === 'format')
    throw refuse(metadata.format ? `its format is "${metadata.format}"` : 'its format is not named');
  throw refuse(`its ${path.join('.')}: ${message}`);
}
