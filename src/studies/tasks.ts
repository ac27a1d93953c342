/** What a study has to do: models that it trains one by one, each with a result on the disk once it is done. */
import type { z } from 'zod';
import type { TrackingConfig } from '../tracking/index.js';
import type { cacheSchema } from './cache.js';
import type { dataSchema } from './dataset.js';
import type { RunFiles } from './folder.js';
import type { NamesChoice } from './names.js';

/** What recipes of every kind have. */
export interface CommonRecipe {
  data: z.output<typeof dataSchema>;
  classes: string[];
  seeds: number[];
  toleranceMm: number;
  names: NamesChoice;
  cache: z.output<typeof cacheSchema>;
  tracking: TrackingConfig;
  device: string;
  threads?: number | undefined;
  /** All that the recipe asks for, in order. */
  tasks: readonly Task[];
}

export interface Task<Key extends { seed: number } = { seed: number }> {
  /** What it is called in the log and in its result. */
  key: Key;
  /** Where its files lie below the folders of the run, without an ending: `seed1/lju-t2/udas`. */
  path: string;
  /** What people read. */
  name: string;
  /** What it counts for in a comparison. */
  entry: string;
  /** On whose test cases it is scored. */
  sites: readonly string[];
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
