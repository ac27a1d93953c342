/** What training takes and gives, whichever network it trains. */
import type { Case } from '../../data/index.js';

export interface TrainOptions {
  /** The file that is written. */
  out: string;
  resume: boolean;
  sites: string[];
  /** Of the sites, not yet divided. */
  cases: readonly Case[];
  seed: number;
  device: string;
  /** Folder of prepared slices; undefined: they are held in memory. */
  cache: string | undefined;
  /** Settings that the command line names, by dotted key. */
  named: Readonly<Record<string, unknown>>;
  /** Whether event files for TensorBoard are written. */
  tensorboard: boolean;
  /** Whether the page is served while training lasts. */
  page: boolean;
  /** A model or an adapter to start from. */
  init: string | undefined;
}

export interface Trained {
  /** For --json. */
  result: object;
  /** For people. */
  lines: string[];
  split: Parts;
}

/** Who trained, chose the epoch, and was kept for the score. */
export type Parts = Record<'train' | 'validation' | 'test', Case[]>;

/** Divides the cases; parts without a share are empty. @throws GraftError as `splitCases`; TRAINING_UNLABELLED */
export async function divide(
  { cases, seed }: TrainOptions,
  shares: Record<keyof Parts, number>,
  groupBy: string | undefined,
): Promise<Parts> {
  const { splitCases } = await import('../../data/index.js');
  const { assertLabelled } = await import('../../jobs/index.js');
  const { test, ...others } = shares;
  const how = { seed, ...(groupBy !== undefined && { groupBy }) };
  const split =
    test > 0
      ? splitCases(cases, { parts: shares, ...how })
      : { ...splitCases(cases, { parts: others, ...how }), test: [] };
  // Before hours of training: those that are scored need labels too.
  assertLabelled(Object.values(split).flat());
  return split;
}

/** The labelled cases that a model is scored on, and what they were to it. */
export const scoredOf = ({ test, validation }: Parts): { cases: Case[]; are: string } =>
  test.length > 0
    ? { cases: test, are: 'kept from training' }
    : { cases: validation, are: 'that chose the epoch, which flatters a model' };
