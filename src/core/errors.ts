/**
 * Errors a user can meet: stable code, message template, hint and exit code, one table for each area.
 *
 * A message says what was expected, what was found and where; the hint says what to do. `docs/errors.md` is made from
 * the tables (`npm run docs`). Anything that is not a `GraftError` is a defect in graft itself.
 */

import { shownText } from './names.js';

/** What the command exits with; `docs/errors.md` lists them. */
export const exitCodes = {
  internal: 1,
  usage: 2,
  data: 3,
  model: 4,
  engine: 5,
  system: 6,
  /** Nothing failed, but a result is not to be believed unseen (`graft predict --strict`). */
  doubtful: 7,
  interrupted: 130,
} as const;

export interface ErrorEntry {
  exit: keyof typeof exitCodes;
  /** `{name}` stands for a parameter of that name. */
  message: string;
  hint: string;
}

export type ErrorTable = Record<string, ErrorEntry>;

type ParameterNames<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterNames<Rest>
  : never;
type Parameters<Entry extends ErrorEntry> = Record<
  ParameterNames<Entry['message']> | ParameterNames<Entry['hint']>,
  string | number
>;

/**
 * A mistake or circumstance that the user can fix: a stable `code` (docs/errors.md lists them), a message with names and
 * numbers, and a `hint` what to do. The command shows it without a stack trace.
 */
export class GraftError extends Error {
  override readonly name = 'GraftError';
  readonly code: string;
  readonly hint: string;
  readonly exitCode: number;

  constructor(code: string, message: string, hint: string, exitCode: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

const fill = (template: string, values: Record<string, string | number>) =>
  template.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));

/** Makes an error of one area; the parameters that each code's texts name are checked by the compiler. */
export type ErrorMaker<Table extends ErrorTable> = <Code extends keyof Table & string>(
  code: Code,
  values: Parameters<Table[Code]>,
  cause?: unknown,
) => GraftError;

/**
 * The parameter `reason` may quote what others sent: it is cut and cleaned as `shownText` does.
 *
 * @example
 * const dataError = errorsOf({ NIFTI_TRUNCATED: { exit: 'data', message: '{file}: …', hint: '…' } });
 * throw dataError('NIFTI_TRUNCATED', { file });
 */
export function errorsOf<Table extends ErrorTable>(table: Table): ErrorMaker<Table> {
  return (code, given, cause) => {
    const { message, hint, exit } = table[code] as ErrorEntry;
    const values: Record<string, string | number> = given;
    const shown = 'reason' in values ? { ...values, reason: shownText(String(values.reason)) } : values;
    return new GraftError(code, fill(message, shown), fill(hint, shown), exitCodes[exit], cause);
  };
}
