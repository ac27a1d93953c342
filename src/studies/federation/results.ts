/** Where a federated run keeps what it found: a result for each model that was trained, a ledger for each federation. */

import type { ProgressEvent } from '../../core/index.js';
import { type Entry, readLedger } from '../../federate/index.js';
import type { CaseScore } from '../../metrics/index.js';
import type { RunFolder } from '../folder.js';
import { standingResult } from '../whole.js';
import { type FederationRecipe, type Regime, type Variant, variantsOf } from './recipe.js';

/** What one model that was trained scores; a file in `results/`. */
export interface RegimeResult {
  seed: number;
  /** The variant's name. */
  plan: string;
  regime: Regime;
  /** The site that trained alone; null: all sites. */
  site: string | null;
  trainedParameters: number;
  /** What a site exchanges in a round; 0 where nothing is. */
  travellingParameters: number;
  /** One for all sites (null), or one for each where some of it never leaves a site. */
  adapters: { site: string | null; file: string; bytes: number; sha256: string }[];
  /** Epochs or rounds that the model has seen. */
  kept: number;
  /** Wall-clock time of the training since the last start. */
  seconds: number;
  /** The test cases of all sites. */
  cases: CaseScore[];
}

/** One model that a regime trains. */
export interface Task {
  seed: number;
  plan: string;
  regime: Regime;
  site: string | null;
}

/**
 * What a variant asks for with a seed, in order. Without rounds the settings of the rounds do not matter: variants that
 * differ in nothing else share the models of the first of them.
 */
export function tasksOf(recipe: FederationRecipe, seed: number, variant: Variant): Task[] {
  const { sites, epochs } = recipe;
  const settings = ({ plan, adapter, training, federation }: Variant) =>
    JSON.stringify([plan, adapter, training, epochs ?? federation.rounds]);
  const alike = variantsOf(recipe).find((other) => settings(other) === settings(variant))!;
  return variant.regimes.flatMap((regime) => {
    const plan = regime === 'federated' ? variant.name : alike.name;
    return (regime === 'local' ? sites : [null]).map((site) => ({ seed, plan, regime, site }));
  });
}

/** Where a task's files lie below the folders of the run, without an ending. */
export const pathOf = ({ seed, plan, regime, site }: Task): string =>
  [`seed${seed}`, plan, regime, ...(site === null ? [] : [site])].join('/');

export const resultPath = (task: Task): string => `results/${pathOf(task)}.json`;
const resultFile = (task: Task) => [resultPath(task)];

/** Where a task that is under way keeps its state, and where a finished one leaves it for going on. */
export const checkpointPath = (task: Task): string => `checkpoints/${pathOf(task).replaceAll('/', '-')}`;
export const statePath = (task: Task): string => `states/${pathOf(task).replaceAll('/', '-')}`;
const hasResult = (folder: RunFolder, task: Task): boolean => folder.has(...resultFile(task));
/**
 * Whether the task is done and all that came out of it is whole; notes tell what is not.
 * @param name for people
 */
export function* stands(
  folder: RunFolder,
  task: Task,
  { federation: { rounds } }: Variant,
  name: string,
): Generator<ProgressEvent, boolean> {
  const result = yield* standingResult<RegimeResult>(folder, resultFile(task), name, ({ adapters }) => adapters);
  if (!result || task.regime !== 'federated') return result !== undefined;
  const file = folder.file(ledgerPath(task.seed, task.plan));
  if (isComplete(file, rounds)) return true;
  yield { kind: 'note', text: `${file} is missing or damaged: ${name} is done again` };
  return false;
}

/** A ledger's lines vouch for one another, and the last round for all. */
function isComplete(file: string, rounds: number): boolean {
  try {
    return readLedger(file).some((entry) => entry.kind === 'aggregated' && entry.round === rounds);
  } catch {
    return false;
  }
}

export const writeResult = (folder: RunFolder, task: Task, result: RegimeResult): void =>
  folder.writeJson(result, ...resultFile(task));

/** Every finished result of the run, in the recipe's order; those that variants share are there for each. */
export const readRegimeResults = (folder: RunFolder, recipe: FederationRecipe): RegimeResult[] =>
  recipe.seeds.flatMap((seed) =>
    variantsOf(recipe).flatMap((variant) =>
      tasksOf(recipe, seed, variant)
        .filter((task) => hasResult(folder, task))
        .map((task) => ({ ...folder.readJson<RegimeResult>(...resultFile(task)), plan: variant.name })),
    ),
  );

export const ledgerPath = (seed: number, plan: string): string => `ledgers/seed${seed}/${plan}.jsonl`;

/** The ledger of a finished federation; empty where there was none. @throws GraftError LEDGER_DAMAGED */
export const ledgerOf = (folder: RunFolder, seed: number, plan: string): Entry[] =>
  folder.has(ledgerPath(seed, plan)) ? readLedger(folder.file(ledgerPath(seed, plan))) : [];
