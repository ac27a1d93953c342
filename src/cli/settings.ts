/** Settings on the command line: `--set KEY=VALUE`, and the options that are short for a key. */
import { cliError } from './errors.js';
import { flagOf, type OptionGroups, shellQuoted } from './words.js';

/** Options and the keys that they stand for. */
export type Shorthands = Readonly<Record<string, string>>;

/** `key.path=value` with the value in YAML. */
export async function readAssignments(list: readonly string[], command: string): Promise<Record<string, unknown>> {
  const { parse } = await import('yaml');
  // Options that may be repeated are separated at commas; here those inside a value, as in seeds=[1,2], belong to it.
  const texts = list.length > 0 ? list.join(',').split(/,(?=[\w.]+=)/) : [];
  return Object.fromEntries(
    texts.map((text) => {
      const invalid = (problem: string) =>
        cliError('OPTION_INVALID', { problems: `--set "${text}" is not ${problem}`, command });
      const [, key, value] = /^([\w.]+)=(.*)$/s.exec(text) ?? [];
      if (!key || key.includes('__proto__')) throw invalid('KEY=VALUE');
      try {
        return [key, parse(value)];
      } catch (error) {
        throw invalid(`KEY=VALUE with a value in YAML (${(error as Error).message.split('\n')[0]})`);
      }
    }),
  );
}

/** What was given by options that stand for keys, then by `--set`, which holds where both name a key. */
export async function givenSettings(
  shorthands: Shorthands,
  given: Readonly<Record<string, unknown>>,
  command: string,
): Promise<Record<string, unknown>> {
  const short = Object.entries(shorthands).filter(([option]) => given[option] !== undefined);
  const named = Object.fromEntries(short.map(([option, key]) => [key, given[option]]));
  return { ...named, ...(await readAssignments((given.set as string[] | undefined) ?? [], command)) };
}

/** The options that take any setting. @param z given, since start-up does not load it */
export const settingsOptions = (z: typeof import('zod').z) => ({
  recipe: z
    .string()
    .optional()
    .describe('recipe, a file or the name of one, whose settings are taken as far as they fit'),
  set: z.array(z.string()).default([]).describe('a setting by its key in a recipe, such as training.epochs=10'),
});

/** Keys whose options take the value as it stands in YAML, but for brackets and spaces. */
const plain: Shorthands = {
  'preprocessing.axis': 'axis',
  'preprocessing.spacing': 'spacing',
  'preprocessing.size': 'size',
  classes: 'classes',
};

/** What does on the command line of "graft train" what a line of a recipe does, such as `preprocessing.size: [24, 24]`. */
export function asOption(line: string): string {
  const [, key, value] = /^([\w.]+): (.*)$/s.exec(line)!;
  const kind = /^\{ kind: ([\w-]+) \}$/.exec(value)?.[1];
  if (key === 'preprocessing.intensity' && kind) return `--intensity ${kind}`;
  const words = value.replace(/^\[|\]$/g, '').replaceAll(', ', ',');
  return key in plain ? `${flagOf(plain[key])} ${shellQuoted(words)}` : `--set ${shellQuoted(`${key}=${value}`)}`;
}

/** The headings of the options that only one way of training has: of a whole network, or of a part by a plan. */
export const headings = { source: 'Options for a whole network', part: 'Options for a part, by a plan' } as const;

/**
 * Refuses options of the other way of training.
 *
 * @param groups options by heading, as the help shows them
 * @throws GraftError OPTION_INVALID
 */
export function refuseForeign(
  groups: OptionGroups,
  training: keyof typeof headings,
  given: Readonly<Record<string, unknown>>,
  command: string,
): void {
  const other = training === 'source' ? headings.part : headings.source;
  const stray = groups[other].find((key) => key in given);
  if (stray === undefined) return;
  const problems = `${flagOf(stray)} is for training ${other.replace('Options for ', '')}`;
  throw cliError('OPTION_INVALID', { problems, command });
}
