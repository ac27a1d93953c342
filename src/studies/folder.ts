/**
 * A run's folder: what was asked for (`recipe.yaml`), with what (`run.json`), what happened (`metrics.jsonl`), what
 * training left for resuming (`checkpoints/`) and for going on (`states/`), and what came out (`models/`, `adapters/`,
 * `results/`, `report.html`).
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ProgressEvent } from '../core/index.js';
import {
  type Change,
  changesBetween,
  GraftError,
  isMarked,
  isWhole,
  Log,
  type LogLine,
  lockFolder,
  removeAllLeftovers,
  sealedJson,
  sealedText,
  tellChanges,
  unsealedJson,
  writeFileAtomic,
  writing,
} from '../core/index.js';
import { type Environment, environment, factsOf } from './environment.js';
import { runError } from './errors.js';
import { pseudonymFile } from './names.js';
import { readSavedContent } from './parse.js';

/** Keys of a recipe that results do not depend on: they may change from one start to the next. */
export const incidental = ['cache', 'names', 'report', 'tracking'];

/** A recipe as its file has it, without what parsing made of it. */
export function asWritten<Recipe extends object>(recipe: Recipe): Omit<Recipe, 'variants' | 'tasks'> {
  const { variants: _, tasks: __, ...written } = recipe as Recipe & { variants?: unknown; tasks?: unknown };
  return written as Omit<Recipe, 'variants' | 'tasks'>;
}

/** A time at which the run went on under a recipe that asked for more. */
interface HistoryEntry {
  /** ISO time. */
  when: string;
  command?: readonly string[] | undefined;
  /** Both values of each key. */
  changed: Record<string, [before: unknown, now: unknown]>;
  remarks?: readonly string[];
}

/** What a recipe has that a folder is opened for. */
interface Seeded {
  seeds: number[];
}

/** How a run that is there goes on under a recipe that asks for more. */
export interface Extension<Recipe extends Seeded = Seeded> {
  /** With today's defaults for what a file does not name. @param file named in errors @throws GraftError about a key */
  parse(content: unknown, file: string): Recipe;
  /** Why changes cannot be carried into the run; empty where they all can. */
  refusals(changes: readonly Change[], before: Recipe, now: Recipe): string[];
  /**
   * Sets aside what is made anew. May be called again after a crash.
   * @param place for what is set aside, below the run's folder
   * @returns remarks for the run's history
   */
  prepare(folder: RunFolder, place: string, before: Recipe, now: Recipe): string[];
}

/** How an experiment of either kind is started. */
export interface RunOptions {
  out: string;
  /** Overrules the recipe's data set. */
  data?: string;
  resume?: boolean;
  /** Go on also where the recipe asks for more than the run in the folder. */
  extend?: boolean;
  /** The recipe's, named in errors. */
  file: string;
  /** The words that started the run, for its report. */
  command?: readonly string[];
}

interface FolderOptions {
  resume?: boolean | undefined;
  /** Whether the run may go on also where the recipe asks for more. */
  extend?: boolean | undefined;
  command?: readonly string[] | undefined;
  extension?: Extension | undefined;
}

export class RunFolder {
  readonly path: string;
  /** As it is written here. */
  readonly recipe: Seeded;
  /** Faults found when the folder was opened. */
  readonly #notes: string[] = [];
  readonly #log: Log;

  /** What is to be known of how the run goes on under a recipe that asks for more; empty where it does not. */
  readonly remarks: readonly string[] = [];

  /**
   * Opens the folder of a new run, or with `resume` that of an earlier start.
   *
   * @param options.command the words that started it, for the report and the run's history
   * @param options.extension how the run may go on under a recipe that asks for more
   * @throws GraftError RUN_EXISTS, RUN_CHANGED, RECIPE_LOST, RUN_IN_USE, WRITE_FAILED
   */
  constructor(
    path: string,
    parsed: Seeded,
    { resume = false, extend = false, command, extension }: FolderOptions = {},
  ) {
    this.path = path;
    const recipe = asWritten(parsed);
    this.recipe = recipe;
    this.#log = new Log(this.file('metrics.jsonl'));
    if ((this.has('recipe.yaml') || this.has('run.json')) && !resume && !extend)
      throw runError('RUN_EXISTS', { folder: path });
    const asked = JSON.parse(JSON.stringify(recipe)) as Record<string, unknown>;
    const before = this.#before(asked, extension);
    const refusals = (changes: readonly Change[]) => extension?.refusals(changes, before!, parsed);
    const changes = before === undefined ? [] : this.#changes(before, recipe, extend, refusals);
    lockFolder(path);
    removeAllLeftovers(path);
    const started = this.#history();
    const place = join('history', String(started.length + 1));
    if (changes.length > 0) this.remarks = extension!.prepare(this, place, before!, parsed);
    const changed = Object.fromEntries(changes.map((one) => [one.key, [one.before ?? null, one.now ?? null]]));
    const { remarks } = this;
    const entry = { when: new Date().toISOString(), command, changed, ...(remarks.length > 0 && { remarks }) };
    const history = changes.length > 0 ? [...started, entry] : started;
    const told = { ...(command && { command }), ...(history.length > 0 && { history }) };
    this.writeJson({ ...environment(recipe), recipe: essence(asked), ...told }, 'run.json');
    writeFileAtomic(this.file('recipe.yaml'), sealedText(stringify(recipe)));
    this.#checkLog();
    this.#checkPseudonyms();
  }

  /** Tells how the run goes on, and the faults that were found, once. */
  *tell(): Generator<ProgressEvent> {
    for (const text of [...this.remarks, ...this.#notes.splice(0)]) yield { kind: 'note', text };
  }

  /** The recipe that the run was started with; undefined where there was none, or one that was the same but is damaged. */
  #before(asked: Record<string, unknown>, extension: Extension | undefined): Seeded | undefined {
    const file = this.file('recipe.yaml');
    const { saved, noted } = savedRecipe(this.path);
    if (saved) return extension ? extension.parse(readSavedContent(file), file) : (saved as Seeded);
    if (noted !== undefined && noted !== essence(asked)) throw runError('RECIPE_LOST', { file });
    if (noted !== undefined || this.has('recipe.yaml'))
      this.#notes.push(`${file} is missing or damaged: it is written again from the recipe given now`);
    return undefined;
  }

  #checkLog(): void {
    const { file } = this.#log;
    const damaged = this.#log.repair();
    if (damaged > 0) this.#notes.push(`${file}: ${damaged} damaged lines; the report’s curves go without them`);
    if (this.has('results') && !(statSync(file, { throwIfNoEntry: false })?.size ?? 0))
      this.#notes.push(`${file} is missing or empty: the report’s curves lack what was done before`);
  }

  #checkPseudonyms(): void {
    if (!this.has(pseudonymFile) || this.isWhole(pseudonymFile)) return;
    const file = this.file(pseudonymFile);
    writing(file, () => rmSync(file));
    this.#notes.push(`${file} is damaged: the report gives the cases new pseudonyms`);
  }

  /** What the recipe asks for beside what the run was started with. @throws GraftError RUN_CHANGED */
  #changes(
    before: Seeded,
    recipe: object,
    extend: boolean,
    refusals: (changes: readonly Change[]) => string[] | undefined,
  ): Change[] {
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
    const changes = changesBetween(plain(asWritten(before)), plain(recipe)).filter(
      ({ key }) => !incidental.includes(key.split('.')[0]),
    );
    if (changes.length === 0) return [];
    const reasons = refusals(changes) ?? ['results depend on all keys'];
    if (reasons.length === 0 && extend) return changes;
    const hint =
      reasons.length === 0
        ? 'Add --extend to go on with the run under the new recipe, resume with that of the first start (recipe.yaml in the folder), or start into another folder with --out.'
        : `Resume with the recipe of the first start (recipe.yaml in the folder), or start into another folder with --out${extend ? `; --extend cannot do it: ${reasons.join('; ')}` : ''}.`;
    throw runError('RUN_CHANGED', { folder: this.path, changed: tellChanges(changes, 'the run'), hint });
  }

  #history(): HistoryEntry[] {
    if (!this.has('run.json')) return [];
    if (this.isWhole('run.json')) return this.readJson<{ history?: HistoryEntry[] }>('run.json').history ?? [];
    this.#notes.push(`${this.file('run.json')} is damaged: it is written again, without the run’s history`);
    return [];
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }
  has(...parts: string[]): boolean {
    return existsSync(this.file(...parts));
  }
  /** Whether the file is there and is as `writeJson` wrote it. */
  isWhole(...parts: string[]): boolean {
    if (!this.has(...parts)) return false;
    try {
      this.readJson(...parts);
      return true;
    } catch (error) {
      if (error instanceof GraftError) return false;
      throw error;
    }
  }
  /** @throws GraftError RUN_DAMAGED */
  readJson<T extends object>(...parts: string[]): T {
    return readRunJson<T>(this.file(...parts));
  }
  /** Moves a file or folder within the run's; nothing where it is not there. */
  move(from: string, to: string): void {
    if (!this.has(from)) return;
    writing(this.file(to), () => {
      mkdirSync(dirname(this.file(to)), { recursive: true });
      renameSync(this.file(from), this.file(to));
    });
  }
  writeJson(value: object, ...parts: string[]): void {
    writeFileAtomic(this.file(...parts), sealedJson(value));
  }
  /** The lines of the log, without those that were cut short or damaged. A resumed run repeats lines: the last holds. */
  readLog<Line extends object>(): Line[] {
    return this.readLogFrom<Line>(0).map(({ record }) => record);
  }
  /** The whole lines of the log from a byte on, where one begins. */
  readLogFrom<Line extends object>(start: number): LogLine<Line>[] {
    return this.#log.readFrom<Line>(start);
  }
  /** With what the run was made, for its report. */
  provenance(): [label: string, value: string][] {
    const went = this.#history().map(({ when, changed, remarks = [] }): [string, string] => {
      const changes = Object.entries(changed).map(([key, [before, now]]) => ({ key, before, now }));
      return ['Went on', [`${when.slice(0, 10)}, ${tellChanges(changes, 'the run before')}`, ...remarks].join('; ')];
    });
    return [...factsOf(this.readJson<Environment>('run.json')), ...went];
  }
  /** The words that the latest start was made with; undefined where a program made it. */
  command(): readonly string[] | undefined {
    return this.readJson<{ command?: string[] }>('run.json').command;
  }
  /** Adds a line to the log, with the time in ms since 1970. */
  log(event: Record<string, unknown>): void {
    this.#log.append(event);
  }
}

/** What is read of a run's folder. */
export type RunFiles = Pick<RunFolder, 'file' | 'has' | 'readJson'>;

/** A JSON file of a run. @throws GraftError RUN_DAMAGED */
export function readRunJson<T extends object>(file: string): T {
  try {
    return unsealedJson<T>(readFileSync(file, 'utf8'));
  } catch (error) {
    throw runError('RUN_DAMAGED', { file, reason: (error as Error).message }, error);
  }
}

/** The recipe in a run's folder, where it is whole, and what run.json notes of it. */
export function savedRecipe(folder: string): { saved: unknown; noted: string | undefined } {
  const noted = notedRecipe(join(folder, 'run.json'));
  const file = join(folder, 'recipe.yaml');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (!isWhole(text) || (noted !== undefined && !isMarked(text))) return { saved: undefined, noted };
  try {
    return { saved: parse(text) ?? undefined, noted };
  } catch {
    return { saved: undefined, noted };
  }
}

/** Undefined also where the file is damaged: it is written again at every start. */
function notedRecipe(file: string): string | undefined {
  try {
    return existsSync(file) ? readRunJson<{ recipe?: string }>(file).recipe : undefined;
  } catch (error) {
    if (error instanceof GraftError) return undefined;
    throw error;
  }
}

/** A digest of all that results depend on in a recipe. */
function essence(recipe: Record<string, unknown>): string {
  const kept = Object.entries(recipe).filter(([key]) => !incidental.includes(key));
  return createHash('sha256').update(JSON.stringify(kept)).digest('hex');
}
