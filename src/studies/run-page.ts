/**
 * The page of a run, from its folder alone, which is only read: of a run that is done what it wrote into `report.html`, of
 * one that is under way, or was stopped, what there is so far.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isFolderLocked, Log } from '../core/index.js';
import { readDataset } from '../data/index.js';
import { type PageData, readPageFile } from '../report/index.js';
import { type CaseAsked, CaseShelf, type CaseSlices, type CaseSource, type VolumeAsked } from './case-shelf.js';
import { openRun } from './comparison/runs.js';
import { entriesOf } from './comparison/scores.js';
import { renamed } from './comparison/sharing.js';
import { findDataset } from './dataset.js';
import { runError } from './errors.js';
import { type RunFiles, readRunJson } from './folder.js';
import { namingOf, pseudonymFile } from './names.js';
import { epochsLeft, modelsLeft, type PaceLine, stepsOf, underWay } from './pace.js';
import { asTyped } from './provenance.js';
import type { AnyStudy } from './study.js';
import { modelPath, resultPath, type Task } from './tasks.js';

/** Where a page's data come from, again and again. */
export interface PageSource {
  /** Another text when the data are others. */
  mark(): string;
  /** @throws GraftError where what lies on the disk cannot be read */
  read(): PageData;
  /** Slices of a case; absent where there are no images to be had. @throws GraftError CASE_UNKNOWN, as reading does */
  slices?(asked: CaseAsked): Promise<CaseSlices>;
  /** Likewise a part of the case as a NIfTI file; undefined where it has no such part. */
  volume?(asked: VolumeAsked): Promise<Uint8Array | undefined>;
}

type Line = PaceLine & { [key: string]: unknown };

export class RunPage implements PageSource {
  readonly #folder: string;
  readonly #log: Log;
  /** What has been read of the log, and up to which byte. */
  readonly #lines: Line[] = [];
  #end = 0;
  /** Pseudonyms that the run has not drawn yet. */
  readonly #drawn: Record<string, string> = {};
  readonly #cases = new CaseShelf((site, name) => this.#find(site, name));

  /** @throws GraftError RUN_MISSING, and what reading a recipe throws */
  constructor(folder: string) {
    this.#folder = folder;
    this.#log = new Log(join(folder, 'metrics.jsonl'));
    openRun(folder);
  }

  mark(): string {
    const states = ['metrics.jsonl', 'report.html', 'recipe.yaml', 'lock.json', ...resultsIn(this.#folder)].map(
      (name) => {
        const state = statSync(join(this.#folder, name), { throwIfNoEntry: false });
        return state ? `${name} ${state.size} ${state.mtimeMs}` : name;
      },
    );
    return [String(isFolderLocked(this.#folder)), ...states].join('\n');
  }

  read(): PageData {
    const report = join(this.#folder, 'report.html');
    const working = isFolderLocked(this.#folder);
    if (!working && existsSync(report)) {
      const data = pageIn(report);
      if (data) return data;
    }
    return this.#soFar(working);
  }

  slices(asked: CaseAsked): Promise<CaseSlices> {
    return this.#cases.slices(asked);
  }

  volume(asked: VolumeAsked): Promise<Uint8Array | undefined> {
    return this.#cases.volume(asked);
  }

  /** @throws GraftError CASE_UNKNOWN, and as `readDataset` */
  #find(site: string, name: string): CaseSource {
    const { files, run, study, found, naming } = this.#gathered();
    const { recipe } = run;
    const dataset = findDataset(recipe, files.file('recipe.yaml')) ?? readDataset(files.file('data'));
    const candidate = study
      .candidates({ recipe, dataset, found, naming }, site)
      .find(({ caseName }) => caseName === name);
    if (!candidate) throw runError('CASE_UNKNOWN', { site, name, folder: basename(this.#folder) });
    return { files, candidate, classes: recipe.classes.length };
  }

  #soFar(working: boolean): PageData {
    const { files, run, study, found, models, naming } = this.#gathered();
    const { title, description, tasks } = run.recipe;
    const since = statSync(join(this.#folder, 'lock.json'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const entries = renamed(entriesOf(run.recipe, models), naming);
    const log = this.#readLog();
    const done = doneOf(files, tasks);
    const { command } = readRunJson<{ command?: string[] }>(files.file('run.json'));
    return {
      ...{ title, description, notes: notesOn(done, working) },
      ...(working && {
        running: { text: progressOf(done, tasks, underWay(log, since)), ...paceOf(files, tasks, log, since) },
      }),
      ...study.parts({ recipe: run.recipe, found, naming, entries, log }),
      provenance: { facts: [], command: command?.map(asTyped).join(' '), settings: [], files: [] },
    };
  }

  /** What is scored by now, and what its cases are called. */
  #gathered() {
    const { files, run } = openRun(this.#folder);
    const study: AnyStudy = run.study;
    const found = study.read(files, run.recipe);
    const models = study.models(run.recipe, found);
    const known = files.has(pseudonymFile) ? files.readJson<Record<string, string>>(pseudonymFile) : {};
    const cases = models.flatMap((one) => one.cases);
    const naming = namingOf(run.recipe.names, cases, Object.assign(this.#drawn, known));
    return { files, run, study, found, models, naming };
  }

  #readLog(): readonly Line[] {
    if ((statSync(this.#log.file, { throwIfNoEntry: false })?.size ?? 0) < this.#end) {
      this.#lines.length = 0;
      this.#end = 0;
    }
    for (const { record, end } of this.#log.readFrom<Line>(this.#end)) {
      this.#lines.push(record);
      this.#end = end;
    }
    return this.#lines;
  }
}

/** What is in a page's file. @throws GraftError PAGE_DAMAGED */
export function readPage(file: string): PageData {
  const data = pageIn(file);
  if (data) return data;
  throw runError('PAGE_DAMAGED', { file, reason: 'it holds no data of a page' });
}

/** Undefined where it is another file, such as the report of an earlier version. @throws GraftError PAGE_DAMAGED */
export function pageIn(file: string): PageData | undefined {
  try {
    return readPageFile(readFileSync(file, 'utf8'));
  } catch (error) {
    throw runError('PAGE_DAMAGED', { file, reason: (error as Error).message.split('\n')[0] }, error);
  }
}

const resultsIn = (folder: string): string[] =>
  existsSync(join(folder, 'results'))
    ? readdirSync(join(folder, 'results'), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.json'))
        .map((name) => join('results', name))
        .sort()
    : [];

/** How many models are scored, and how many there will be. */
function doneOf(files: RunFiles, tasks: readonly Task[]): { done: number; total: number } {
  const paths = [...new Set(tasks.map(resultPath))];
  return { done: paths.filter((path) => files.has(path)).length, total: paths.length };
}

const notesOn = ({ done, total }: { done: number; total: number }, working: boolean): string[] =>
  done === total
    ? []
    : [
        `${done} of ${total} models are trained and scored. Means over some of them may mislead.`,
        ...(working ? [] : ['The run was stopped; "graft run … --resume" goes on with it.']),
      ];

function progressOf(
  { done, total }: { done: number; total: number },
  tasks: readonly Task[],
  log: readonly Line[],
): string {
  const last = log.findLast((line) => stepsOf(line));
  const models = `${done} of ${total} models are done.`;
  if (!last) return `At work. ${models}`;
  const { done: step, total: steps } = stepsOf(last)!;
  const task = tasks.find(({ key }) => Object.entries(key).every(([name, value]) => last[name] === value));
  const name = task?.name ?? `${last.seed === undefined ? '' : `seed ${last.seed}: `}${last.task}`;
  return `At work: ${name}, ${last.round === undefined ? 'epoch' : 'round'} ${step} of ${steps}. ${models}`;
}

/** How long the model under way and all models take. @param since when the process began, in ms since 1970 */
function paceOf(files: RunFiles, tasks: readonly Task[], log: readonly Line[], since: number) {
  const model = epochsLeft(underWay(log, since));
  const left = tasks.filter((task) => !task.shared && !files.has(resultPath(task)));
  return { ...(model && { model }), models: modelsLeft(log, since, left, (seed) => files.has(modelPath(seed))) };
}
