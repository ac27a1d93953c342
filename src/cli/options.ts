/**
 * Options from a schema: one zod object gives the flags, their help and the validation. `camelCase` becomes
 * `--kebab-case`; booleans have `--x` and `--no-x`; lists are separated by commas or repeated; `none` is null.
 *
 * Left out: nested objects, which belong in a recipe file.
 */
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { cliError } from './errors.js';
import { flagOf, type OptionGroups } from './words.js';

/** What this bridge reads of a property's JSON Schema. */
interface Property {
  type?: string | string[];
  enum?: string[];
  anyOf?: Property[];
  items?: Property | false;
  prefixItems?: Property[];
  default?: unknown;
  description?: string;
}

/** The property without its `null` alternative, which a JSON Schema states in either of two ways. */
function withoutNull(property: Property): Property & { type?: string; nullable: boolean } {
  const { type, anyOf = [], ...rest } = property;
  const types = [type ?? []].flat();
  const others = anyOf.filter((each) => each.type !== 'null');
  const nullable = types.includes('null') || others.length < anyOf.length;
  if (others.length === 1) return { ...rest, ...withoutNull(others[0]), nullable };
  const single = types.find((each) => each !== 'null');
  return { ...rest, ...(others.length > 1 && { anyOf: others }), ...(single && { type: single }), nullable };
}

const placeholder = ({ type, enum: names, items, prefixItems }: Property): string => {
  if (type === 'array') return prefixItems ? prefixItems.map(placeholder).join(',') : `${placeholder(items || {})},…`;
  return type === 'integer' || type === 'number' ? 'n' : names ? 'name' : 'text';
};

/** Text as the schema's kind of value; what does not fit stays text, and the schema says what is wrong. */
function convert(property: Property, text: string): unknown {
  const { type, nullable } = withoutNull(property);
  if (nullable && text === 'none') return null;
  if (type === 'number' || type === 'integer')
    return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
  return text;
}

const defaultText = (value: unknown) =>
  value === null ? 'none' : Array.isArray(value) ? value.join(',') : String(value);

const jsonSchema = (schema: z.ZodObject) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
const propertiesOf = (schema: z.ZodObject) => (jsonSchema(schema).properties ?? {}) as Record<string, Property>;

/**
 * Adds an option for every property of the schema that is not an object. Defaults are shown, not set: commander's
 * options are what was given.
 */
export function addSchemaOptions(command: Command, schema: z.ZodObject, groups: OptionGroups = {}): void {
  const { required = [] } = jsonSchema(schema);
  const headingOf = (key: string) => Object.keys(groups).find((heading) => groups[heading].includes(key));
  const add = (key: string, option: Option) => {
    const heading = headingOf(key);
    command.addOption(heading ? option.helpGroup(`${heading}:`) : option);
  };
  for (const [key, raw] of Object.entries(propertiesOf(schema))) {
    const property = withoutNull(raw);
    const flag = flagOf(key);
    if (property.type === 'object' || property.anyOf) continue;
    const notes = [
      ...(required.includes(key) ? ['required'] : []),
      ...(property.default === undefined || property.default === false || defaultText(property.default) === ''
        ? []
        : [`default: ${defaultText(property.default)}`]),
    ];
    const help = [property.description, notes.length > 0 ? `(${notes.join(', ')})` : ''].filter(Boolean).join(' ');
    if (property.type === 'boolean') {
      // Both exist, so that a flag can overrule a recipe either way; help shows the one that changes the default.
      const positive = property.default !== true;
      add(key, new Option(flag, help).hideHelp(!positive));
      add(key, new Option(flag.replace('--', '--no-'), help).hideHelp(positive));
      continue;
    }
    const option = new Option(`${flag} <${placeholder(property)}>`, help);
    const names = property.enum ?? (property.items ? property.items.enum : undefined);
    if (names) option.choices(names);
    // Texts are collected here and read by `readOptions`, since commander has no place for null.
    option.argParser((text: string, before: unknown) =>
      property.type === 'array' ? [...((before as string[] | undefined) ?? []), ...text.split(',')] : text,
    );
    add(key, option);
  }
}

/** The values that were given, from the texts that commander collected: numbers, lists, null. */
export function readOptions(schema: z.ZodObject, texts: Record<string, unknown>): Record<string, unknown> {
  const properties = propertiesOf(schema);
  const read = (key: string, value: unknown) => {
    const property = properties[key] ?? {};
    if (!Array.isArray(value)) return typeof value === 'string' ? convert(property, value) : value;
    const { prefixItems, items } = withoutNull(property);
    if (value.length === 1 && value[0] === 'none') return convert(property, 'none');
    return value.map((text: string, i) => convert(prefixItems?.[i] ?? (items || {}), text.trim()));
  };
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, read(key, value)]));
}

/**
 * Validates what was given and fills in the defaults.
 *
 * @throws GraftError OPTION_INVALID with every problem and the flag it belongs to
 */
export function parseOptions<S extends z.ZodType>(schema: S, given: Record<string, unknown>, command: string) {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ code, path, message }) => {
    if (path.length === 0) return message;
    const value = given[String(path[0])];
    const text = message.replace(/^(Invalid|Too) \w+: /, '');
    const item = path.length > 1 && Array.isArray(value) ? value[Number(path[1])] : undefined;
    return value === undefined && code === 'invalid_type'
      ? `${flagOf(String(path[0]))} is required`
      : `${flagOf(String(path[0]))}: ${text}, found ${JSON.stringify(item ?? value) ?? 'nothing'}`;
  });
  throw cliError('OPTION_INVALID', { problems: problems.join('; '), command });
}
