/** What an adaptation study keeps in `results/`. */
import type { Look } from '../../adapt/index.js';
import type { CaseScore } from '../../metrics/index.js';
import { sourceMethod } from '../../report/index.js';
import { type ModelScores, modelsOf, withPatient } from '../comparison/scores.js';
import type { RunFiles } from '../folder.js';
import { type Done, readResults } from '../tasks.js';
import type { AdaptationTask, Recipe } from './recipe.js';

/** What one method did on one target with one seed; a file in `results/`. */
export interface Result {
  seed: number;
  target: string;
  /** From 1; absent where the target is not crossed over. */
  fold?: number;
  method: string;
  trainedParameters: number;
  /** Null for the source model as it is, and for the oracle. */
  adapter: { file: string; bytes: number; sha256: string } | null;
  /** Of the oracle: its last epoch. */
  kept: Look['candidate'];
  guard?: string;
  looks: Look[];
  /** Cases of the source, as `SITE/CASE`, whose patients are scored at targets, so that nothing was trained on them. */
  leftOut?: string[];
  /** Wall-clock time of the adaptation. */
  seconds: number;
  cases: CaseScore[];
}

/** What the network scores on its own domain; a file in `results/`. */
export interface SourceResult {
  seed: number;
  model: { file: string; sha256: string };
  /** As in `Result`. */
  leftOut?: string[];
  cases: CaseScore[];
}

export const sourcePath = (seed: number): string => `results/seed${seed}/source.json`;

/** All that a run has found so far. */
export interface Found {
  done: Done<AdaptationTask, Result>[];
  /** By seed. */
  sources: SourceResult[];
}

/** @throws GraftError RUN_DAMAGED */
export const readFound = (files: RunFiles, { seeds, tasks }: Recipe): Found => ({
  done: readResults(files, tasks),
  sources: seeds
    .map(sourcePath)
    .filter((path) => files.has(path))
    .map((path) => files.readJson<SourceResult>(path)),
});

/** The networks on their own domain, which no comparison counts, and every method on every target. */
export const modelsFound = (
  { groupBy, sourceGroupBy }: Pick<Recipe, 'groupBy' | 'sourceGroupBy'>,
  { done, sources }: Found,
): ModelScores[] => [
  ...sources.map(({ seed, cases }) => ({
    ...{ entry: sourceMethod, seed, method: sourceMethod, regime: null, trainedAt: null, compared: [] },
    cases: cases.map((score) => withPatient(score, sourceGroupBy)),
  })),
  ...modelsOf(done, (score) => withPatient(score, groupBy)),
];
