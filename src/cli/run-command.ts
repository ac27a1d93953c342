/**
 * Running a command: what it may use (`Context`), and the one place where errors are shown and exit codes are set.
 *
 * Results go to stdout, everything else to stderr. With --json every line on stdout is one JSON document: progress
 * events as `{"progress": …}`, then the result or `{"error": {code, message, hint}}`.
 */
import { setImmediate } from 'node:timers/promises';
import { styleText } from 'node:util';
import { type Command, CommanderError } from 'commander';
import { exitCodes, GraftError, readFault, runToEnd } from '../core/index.js';
import { cliError } from './errors.js';
import { listenForInterrupts } from './interrupt.js';
import { type ProgressEvent, ProgressView } from './progress.js';
import { thisCommand } from './words.js';

/** What a command gets. */
export interface Context {
  readonly json: boolean;
  /** Aborted when the user wants the command to end at the next safe point. */
  readonly signal: AbortSignal;
  /** The options as they were given, without defaults: what overrules a recipe. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Width of the terminal in characters; unlimited where stdout is a file or a pipe. */
  readonly width: number;
  /** Text that stands out on stdout, where it shows colours. */
  bold(text: string): string;
  /** Prints the result on stdout: the value with --json, otherwise the text. */
  print(value: unknown, text: () => string): void;
  /**
   * Shows events while they come and returns what the generator returns. Between events the process hears Ctrl-C, also
   * where the work itself never waits for anything.
   */
  follow<Result>(events: AsyncGenerator<ProgressEvent, Result>): Promise<Result>;
}

/** @returns an exit code where it is not 0 */
// biome-ignore lint/suspicious/noConfusingVoidType: most commands return nothing
export type Action = (context: Context) => Promise<number | void>;

interface Settings {
  json: boolean;
  quiet: boolean;
  given: Record<string, unknown>;
  /** Whether the command has --resume. */
  resumes: boolean;
}

const interrupted = (resumes: boolean, error: unknown): GraftError =>
  resumes
    ? cliError('INTERRUPTED', { how: 'Go on where it stopped', command: thisCommand('--resume') }, error)
    : cliError('INTERRUPTED', { how: 'Start anew', command: thisCommand() }, error);

const printJson = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** Runs what a command does and sets the exit code. Errors are left to `runProgram`. */
export async function runCommand(action: Action, { json, quiet, given, resumes }: Settings): Promise<void> {
  const view = new ProgressView(process.stderr);
  const show = (event: ProgressEvent) => {
    if (event.kind === 'result' && !json) {
      view.aside(() => process.stdout.write(`${event.text}\n`));
      return;
    }
    if (quiet || event.kind === 'pause') return;
    if (json) printJson({ progress: event });
    else view.show(event);
  };
  using interrupts = listenForInterrupts(process, (text) => view.show({ kind: 'note', text }));
  const { signal } = interrupts;
  const context: Context = {
    json,
    signal,
    given,
    width: process.stdout.columns || Number.POSITIVE_INFINITY,
    bold: (text) => styleText('bold', text, { stream: process.stdout }),
    print: (value, text) => {
      if (json) printJson(value);
      else process.stdout.write(`${text()}\n`);
    },
    async follow<Result>(events: AsyncGenerator<ProgressEvent, Result>): Promise<Result> {
      try {
        return await runToEnd(events, async (event) => {
          show(event);
          await setImmediate();
          signal.throwIfAborted();
        });
      } finally {
        view.close();
      }
    },
  };
  try {
    const code = (await action(context)) ?? 0;
    process.exitCode = signal.aborted ? exitCodes.interrupted : code;
  } catch (error) {
    throw signal.aborted && (error as Error).name === 'AbortError' ? interrupted(resumes, error) : error;
  }
}

/** Parses the command line and runs the command it names; never throws. The exit code is in `process.exitCode`. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    // Help and --version end in an error of commander's, too.
    if (error instanceof CommanderError && error.exitCode === 0) return;
    // The options were perhaps not parsed, so the arguments themselves are asked.
    showError(error instanceof CommanderError ? usageError(error, program, argv) : error, argv.includes('--json'));
  }
}

function usageError({ code, message }: CommanderError, program: Command, argv: readonly string[]): GraftError {
  const command: string[] = [];
  argv.reduce((group, argument) => {
    const named = group.commands.find((each) => each.name() === argument);
    if (named) command.push(argument);
    return named ?? group;
  }, program);
  const [problem, suggestion] = message.replace(/^error: /, '').split('\n');
  const hint = suggestion?.replace(/^\(|\)$/g, '') ?? `Run "${['graft', ...command, '--help'].join(' ')}".`;
  return cliError('USAGE', { problem: code === 'commander.help' ? 'Name a command.' : problem, hint });
}

/** Circumstances of the machine that can meet any file, address or port, wherever it is used; they are no defects. */
const refusals = [
  ...['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EMFILE'],
  ...['EADDRINUSE', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'],
];

/** How libtorch says it of the processor and of CUDA, and Node of its own buffers. */
const withoutMemory = /can't allocate memory|out of memory|allocation failed/i;

/** What a path can be by mistake, wherever it is used. */
const pathMistakes = ['ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP'];

/** Anything that was thrown as what people are told; the stack of a defect goes to stderr. */
export function told(error: unknown): GraftError {
  if (error instanceof GraftError) return error;
  const { code = '', message = String(error), stack = message, path } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (refusals.includes(code)) return cliError('REFUSED', { reason: message }, error);
  if (path !== undefined && pathMistakes.includes(code))
    return cliError('PATH_UNUSABLE', { path, reason: readFault(error) }, error);
  if (withoutMemory.test(message)) return cliError('MEMORY_SHORT', { reason: message.split('\n')[0] }, error);
  process.stderr.write(`${stack}\n`);
  return cliError('INTERNAL', { reason: message }, error);
}

function showError(error: unknown, json: boolean): void {
  const { code, message, hint, exitCode } = told(error);
  process.exitCode = exitCode;
  if (json) {
    printJson({ error: { code, message, hint } });
    return;
  }
  const style = (format: 'red' | 'bold', text: string) => styleText(format, text, { stream: process.stderr });
  process.stderr.write(`${style('red', 'error:')} ${message}\n${style('bold', 'hint:')} ${hint}\n`);
}
