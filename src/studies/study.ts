/**
 * The one runner of studies. A study trains models one by one, the same for every seed, and scores each on cases that it
 * never saw; what a kind of study does in its own way is its `Study`. What is finished is on the disk, so a killed run
 * goes on.
 */
import { rmSync, statSync } from 'node:fs';
import { type ProgressEvent, sha256 } from '../core/index.js';
import { type Case, type Dataset, describeSplit, type Split } from '../data/index.js';
import { type JobEvent, meanScore, progressOf, scoreModel } from '../jobs/index.js';
import { disposeState } from '../nn/index.js';
import { type Adapter, type Segmenter, saveAdapter } from '../segmenter/index.js';
import { chooseDevice, setThreads } from '../torch/index.js';
import { Tracking } from '../tracking/index.js';
import { findDataset, makePhantoms, withData } from './dataset.js';
import { conclude, type Experiment, type Findings, type Kind } from './findings.js';
import { asWritten, type Extension, RunFolder, type RunOptions } from './folder.js';
import { doneLine } from './pace.js';
import { leftOutFault, leftOutIn } from './patients.js';
import { resultPath, statePath } from './tasks.js';
import { type FileRecord, standingResult } from './whole.js';

export interface Run<Recipe> {
  recipe: Recipe;
  folder: RunFolder;
  dataset: Dataset;
  device: string;
}

/** A run with one of its seeds. */
export interface SeedRun<Recipe> extends Run<Recipe> {
  seed: number;
  /** Cases by site, or fold of one (`SITE/fold1`), and by what they are for; those of `test` are scored. */
  splits: Record<string, Split>;
}

export interface SavedAdapter extends FileRecord {
  /** The site that it is for; null: every site. */
  site: string | null;
  bytes: number;
}

/** What a task came to. */
export interface Trained {
  /** One for every site (null), or one for each. */
  adapters: { site: string | null; adapter: Adapter }[];
  /** Whether they become files. */
  kept: boolean;
  /** What is scored instead of the bench's model; disposed of then. */
  model?: Segmenter;
  /** What its result says beside the key, the time and the scores. */
  result(saved: readonly SavedAdapter[]): object;
  /** For people. */
  notes: string[];
}

/** A kind of study: what it does in its own way. */
export interface Study<K extends Kind> extends Findings<K>, Extension<K['recipe']> {
  /** Finds what the network does not allow, before anything long is started. @throws GraftError */
  check(recipe: K['recipe'], device: string): void;
  /** @throws GraftError where a site or labels are missing, or the cases do not allow the split */
  split(recipe: K['recipe'], dataset: Dataset, seed: number): Record<string, Split>;
  /** Makes the model that the tasks of a seed start from, unless it stands. */
  base(run: SeedRun<K['recipe']>): AsyncGenerator<ProgressEvent, void>;
  /** The files that a result names. */
  files(result: K['result']): readonly FileRecord[];
  /** What else of a finished task is missing or damaged. */
  fault(folder: RunFolder, task: TaskOf<K>): string | undefined;
  open(run: SeedRun<K['recipe']>): K['bench'];
  /** Trains one model; that of the bench is left as it was. */
  train(run: SeedRun<K['recipe']>, bench: K['bench'], task: TaskOf<K>): AsyncGenerator<JobEvent, Trained>;
  /** Removes or sets aside what the task left for going on; its result is written. */
  settle(folder: RunFolder, task: TaskOf<K>): void;
}

/** Whatever its kind. */
export type AnyStudy = Study<Kind>;

type TaskOf<K extends Kind> = K['recipe']['tasks'][number];

/**
 * Carries out a recipe; what it found lies in the folder. Ending the iteration early leaves what is needed to resume.
 *
 * @throws GraftError about the recipe, the data or the folder, before anything long is started where possible
 */
export async function* runStudy<K extends Kind>(
  study: Study<K>,
  given: K['recipe'],
  { out, data, resume = false, extend = false, file, command }: RunOptions,
): AsyncGenerator<ProgressEvent, Experiment<K['summary']>> {
  const recipe = withData(given, data);
  const device = chooseDevice(recipe.device);
  if (recipe.threads) setThreads(recipe.threads);
  const found = findDataset(recipe, file);
  // Before there is a folder: a mistake leaves none, and the corrected recipe can start.
  if (found) for (const seed of recipe.seeds) study.split(recipe, found, seed);
  study.check(recipe, device);
  const folder = new RunFolder(out, recipe, { resume, extend, command, extension: study });
  const tracking = new Tracking(folder, asWritten(recipe));
  return yield* tracking.follow(carryOut(study, { recipe, folder, device }, found, tracking));
}

/** Everything that happens in the run's folder. @param found the data set on the disk */
async function* carryOut<K extends Kind>(
  study: Study<K>,
  { recipe, folder, device }: Omit<Run<K['recipe']>, 'dataset'>,
  found: Dataset | undefined,
  tracking: Tracking,
): AsyncGenerator<ProgressEvent, Experiment<K['summary']>> {
  yield* folder.tell();
  const dataset = found ?? (yield* makePhantoms(recipe, folder));
  for (const seed of recipe.seeds) {
    const splits = study.split(recipe, dataset, seed);
    for (const [site, split] of Object.entries(splits))
      for (const line of `seed ${seed}, ${site.replace('/fold', ', fold ')}: ${describeSplit(split)}`.split('\n'))
        yield { kind: 'note', text: line };
    const run = { recipe, folder, dataset, device, seed, splits };
    yield* study.base(run);
    const left = new Map<string, TaskOf<K>>();
    for (const task of recipe.tasks)
      if (task.key.seed === seed && !left.has(task.path) && !(yield* stands(study, run, task)))
        left.set(task.path, task);
    if (left.size === 0) continue;
    using bench = study.open(run);
    for (const task of left.values()) yield* carryOutTask(study, run, bench, task);
  }
  return yield* conclude(study, { recipe, folder, dataset }, tracking);
}

/** Whether the task is done and all that came out of it is whole; notes tell what is not. */
function* stands<K extends Kind>(
  study: Study<K>,
  { folder, splits }: SeedRun<K['recipe']>,
  task: TaskOf<K>,
): Generator<ProgressEvent, boolean> {
  const faultOf = (result: K['result']) => {
    const fault = leftOutFault(result, splits);
    // Its state knows patients whom it must not.
    if (fault) rmSync(folder.file(statePath(task)), { recursive: true, force: true });
    return fault ?? study.fault(folder, task);
  };
  const result = yield* standingResult<K['result']>(folder, resultPath(task), task.name, study.files, faultOf);
  return result !== undefined;
}

/** Trains a model, scores it, and keeps what came of it. */
async function* carryOutTask<K extends Kind>(
  study: Study<K>,
  run: SeedRun<K['recipe']>,
  bench: K['bench'],
  task: TaskOf<K>,
): AsyncGenerator<ProgressEvent> {
  const { folder } = run;
  const started = performance.now();
  const trained = yield* progressOf(study.train(run, bench, task), (record) => folder.log({ ...task.key, ...record }));
  const seconds = (performance.now() - started) / 1000;
  const tests = task.splits.flatMap((name) => run.splits[name].test);
  const adapterOf = ({ site }: Case) => trained.adapters.find((one) => one.site === null || one.site === site)?.adapter;
  const scored = trained.model ?? bench.model;
  const cases = yield* scoreModel(`${task.name}: score`, scored, tests, run.recipe, adapterOf);
  trained.model?.dispose();
  const saved = trained.adapters.flatMap(({ site, adapter }): SavedAdapter[] => {
    if (!trained.kept) return [];
    const file = `adapters/${[task.path, ...(site === null ? [] : [site])].join('/')}.safetensors`;
    const path = folder.file(file);
    saveAdapter(path, adapter);
    return [{ site, file, bytes: statSync(path).size, sha256: sha256(path) }];
  });
  for (const { adapter } of trained.adapters) disposeState(adapter.state);
  folder.writeJson(
    { ...task.key, ...trained.result(saved), ...leftOutIn(run.splits), seconds, cases },
    resultPath(task),
  );
  study.settle(folder, task);
  for (const note of trained.notes) yield { kind: 'note', text: `${task.name}: ${note}` };
  folder.log({ ...task.key, ...doneLine(task.entry, started) });
  const values = { surfaceDice: meanScore(cases, 'surfaceDice'), dice: meanScore(cases, 'dice') };
  yield { kind: 'done', name: task.name, values };
}
