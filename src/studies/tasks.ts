/** What a study has to do: models that it trains one by one, each with a result on the disk once it is done. */
import type { ComparisonEntry } from '../compare/index.js';
import type { Regime } from '../report/index.js';
import type { RunFiles } from './folder.js';

/** Whatever the study. */
interface TaskKey {
  seed: number;
  /** Of an adaptation. */
  target?: string;
  /** From 1, where the target is crossed over. */
  fold?: number;
  method?: string;
  /** Of a federated study. */
  plan?: string;
  regime?: Regime;
  site?: string | null;
}

export interface Task<Key extends TaskKey = TaskKey> {
  /** What it is called in the log and in its result. */
  key: Key;
  /** Where its files lie below the folders of the run, without an ending: `seed1/lju-t2/udas`. */
  path: string;
  /** What people read. */
  name: string;
  /** What it counts for in a comparison. */
  entry: string;
  /** The splits on whose test cases it is scored: sites, or folds of one. */
  splits: readonly string[];
  /** The sites whose cases a comparison counts. */
  counts: readonly string[];
  /** In a comparison; see `ComparisonEntry`. */
  role?: ComparisonEntry['role'];
  /** Whether its model is that of another task before. */
  shared: boolean;
}

export const modelPath = (seed: number): string => `models/seed${seed}.safetensors`;
export const resultPath = ({ path }: Task): string => `results/${path}.json`;

/** Where a task that is under way keeps its state, and where a finished one leaves it for going on. */
export const checkpointPath = ({ path }: Task): string => `checkpoints/${path.replaceAll('/', '-')}`;
export const statePath = ({ path }: Task): string => `states/${path.replaceAll('/', '-')}`;

/** A finished task and its result. */
export interface Done<T extends Task, Result> {
  task: T;
  result: Result;
}

/** Every finished task, in the recipe's order. @throws GraftError RUN_DAMAGED */
export const readResults = <T extends Task, Result extends object>(
  files: RunFiles,
  tasks: readonly T[],
): Done<T, Result>[] =>
  tasks
    .filter((task) => files.has(resultPath(task)))
    .map((task) => ({ task, result: files.readJson<Result>(resultPath(task)) }));
