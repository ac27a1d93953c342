/** Where a federated run keeps what it found: a result for each model that was trained, a ledger for each federation. */
import { type Entry, readLedger } from '../../federate/index.js';
import type { CaseScore } from '../../metrics/index.js';
import type { RunFiles } from '../folder.js';
import { type Done, readResults } from '../tasks.js';
import type { FederationRecipe, Regime, RegimeTask } from './recipe.js';

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
  /** Cases, as `SITE/CASE`, whose patients are scored at another site, so that nothing was trained on them. */
  leftOut?: string[];
  /** Wall-clock time of the training since the last start. */
  seconds: number;
  /** The test cases of all sites. */
  cases: CaseScore[];
}

export const ledgerPath = (seed: number, plan: string): string => `ledgers/seed${seed}/${plan}.jsonl`;

/** All that a run has found so far. */
export interface Found {
  /** What variants share is there for each. */
  done: Done<RegimeTask, RegimeResult>[];
  /** A federation's, read when it is first asked for; empty where there was none. @throws GraftError LEDGER_DAMAGED */
  ledger(seed: number, plan: string): readonly Entry[];
}

/** @throws GraftError RUN_DAMAGED */
export function readFound(files: RunFiles, { tasks }: FederationRecipe): Found {
  const ledgers = new Map<string, readonly Entry[]>();
  return {
    done: readResults(files, tasks),
    ledger: (seed, plan) => {
      const path = ledgerPath(seed, plan);
      const entries = ledgers.get(path) ?? (files.has(path) ? readLedger(files.file(path)) : []);
      ledgers.set(path, entries);
      return entries;
    },
  };
}
