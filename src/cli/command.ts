/**
 * Declaring a command: its name, arguments, options and examples in one object, and the function that does the work.
 *
 * Start-up stays fast because a command's schema is loaded only when that command is called, and its heavy modules only
 * inside `run`.
 */
import type { Command } from 'commander';
import type { z } from 'zod';
import { type Context, runCommand } from './run-command.js';
import type { OptionGroups } from './words.js';

export interface CommandDeclaration<Schema extends z.ZodObject> {
  name: string;
  /** A line for `graft --help`. */
  summary: string;
  /** What the command's own help adds to the summary. */
  details?: string;
  /** Positional arguments, `<required>` or `[optional]`, with what they mean. */
  arguments?: Record<string, string>;
  /** The schema of the options, imported here and not at the top of the command's file. */
  options?: () => Promise<Schema>;
  /** Headings of the help and the options below each; the others stand first. */
  groups?: OptionGroups;
  /** Command lines with what they do. */
  examples: [line: string, meaning: string][];
  /** @returns an exit code where it is not 0 */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands return nothing
  run(context: Context, options: z.output<Schema>, ...args: string[]): Promise<number | void>;
}

/** Adds a command to the program, or to a group of it such as `graft data`. */
export function defineCommand<Schema extends z.ZodObject>(
  program: Command,
  declaration: CommandDeclaration<Schema>,
): void {
  const { name, summary, details, examples } = declaration;
  const command = program.command(name).summary(summary);
  command.description(details ? `${summary}\n\n${details}` : summary);
  for (const [argument, meaning] of Object.entries(declaration.arguments ?? {})) command.argument(argument, meaning);
  const lines = examples.map(([line, meaning]) => `  # ${meaning}\n  ${line}`);
  command.addHelpText('after', `\nExamples:\n${lines.join('\n\n')}`);

  program.hook('preSubcommand', async (_, called) => {
    if (called !== command || !declaration.options) return;
    const { addSchemaOptions } = await import('./options.js');
    addSchemaOptions(command, await declaration.options(), declaration.groups);
  });
  command.action(async () => {
    const { json = false, quiet = false } = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>();
    let [given, options, resumes] = [{}, {} as z.output<Schema>, false];
    if (declaration.options) {
      const [{ parseOptions, readOptions }, schema] = await Promise.all([
        import('./options.js'),
        declaration.options(),
      ]);
      resumes = 'resume' in schema.shape;
      given = readOptions(schema, command.opts());
      options = parseOptions<Schema>(schema, given, program.parent ? `${program.name()} ${name}` : name);
    }
    const settings = { json, quiet, given, resumes };
    await runCommand((context) => declaration.run(context, options, ...command.args), settings);
  });
}
