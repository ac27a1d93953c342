/** A run's results as a table: method by target, over seeds. */

import { compareMethods, meanWhereMeasured } from '../../compare/index.js';
import type { CaseSlices } from '../../data/index.js';
import { meanScore } from '../../jobs/index.js';
import type { Interval, ScoredExtent } from '../../metrics/index.js';
import type { BySite, Spread } from '../../report/index.js';
import { entriesOf } from '../comparison/scores.js';
import type { Bench } from '../findings.js';
import { bySite, spread } from '../spread.js';
import { type Recipe, rowsOf } from './recipe.js';
import { type Found, modelsFound, type Result } from './results.js';

export interface Summary {
  toleranceMm: number;
  /** The slices that were scored. */
  scored: ScoredExtent;
  seeds: number[];
  /** How many parts each target was crossed over in; absent where it was not. */
  folds?: number;
  methods: {
    name: string;
    label: string;
    trainedParameters: number;
    /** Size of the adapter's file; null for the source model as it is. */
    adapterBytes: number | null;
    /** On the scans' own grid; by target, and `mean` over the targets. */
    surfaceDice: BySite;
    dice: BySite;
    /** 95 % interval of the mean surface Dice over patients; null for fewer than six. */
    interval: Interval | null;
    /** Surface Dice on the slices that the network sees. */
    surfaceDiceOnSlices: BySite;
    /** Mean signed distance of the predicted surface in mm, positive outside the reference. */
    boundaryBias: BySite;
    /**
     * The share of the gap in surface Dice between source and oracle, by target and for all (`mean`); null where there is no
     * gap to speak of, or no oracle.
     */
    gapClosed: Record<string, number | null>;
    /** Runs in which the guard kept a safer model, with its reason. */
    guarded: { seed: number; target: string; fold?: number; reason: string }[];
  }[];
  /** Of the network on unseen cases of its own site. */
  source: { surfaceDice: Spread; dice: Spread };
}

/** What is particular to an adaptation. */
export interface AdaptationKind {
  recipe: Recipe;
  result: Result;
  found: Found;
  summary: Summary;
  /** With the slices of the target, or fold, whose turn it is. */
  bench: Bench & { adaptedTo: string; slices: CaseSlices[] };
}

/** Of a run that is done. */
export function summarise(recipe: Recipe, found: Found): Summary {
  const { toleranceMm, scored, seeds, targets, split } = recipe;
  const { done, sources } = found;
  const own = (key: 'surfaceDice' | 'dice') => spread(sources.map(({ cases }) => meanScore(cases, key)));
  const { groups } = compareMethods(entriesOf(recipe, modelsFound(recipe, found)), { measure: 'surfaceDice' });
  const [all, ...parts] = groups;
  return {
    ...{ toleranceMm, scored, seeds, ...(split.target.folds && { folds: split.target.folds }) },
    source: { surfaceDice: own('surfaceDice'), dice: own('dice') },
    methods: rowsOf(recipe).map(({ name, label }) => {
      const mine = done.flatMap(({ result }) => (result.method === name ? [result] : []));
      const casesOf = (target: string, seed: number) =>
        mine.filter((one) => one.target === target && one.seed === seed).flatMap(({ cases }) => cases);
      const scores = (key: 'surfaceDice' | 'dice') =>
        bySite(targets, seeds, (target, seed) => meanScore(casesOf(target, seed), key));
      const means = (key: 'surfaceDiceOnSlices' | 'boundaryBias') =>
        bySite(targets, seeds, (target, seed) => meanWhereMeasured(casesOf(target, seed), key));
      const rowOf = ({ rows }: typeof all) => rows.find(({ entry }) => entry === name)!;
      const closedOn = (target: string) =>
        rowOf(parts.find((one) => one.kind === 'site' && one.name === target) ?? all).gapClosed ?? null;
      return {
        ...{ name, label },
        trainedParameters: mine[0].trainedParameters,
        adapterBytes: mine[0].adapter?.bytes ?? null,
        surfaceDice: scores('surfaceDice'),
        dice: scores('dice'),
        interval: rowOf(all).interval ?? null,
        surfaceDiceOnSlices: means('surfaceDiceOnSlices'),
        boundaryBias: means('boundaryBias'),
        gapClosed: {
          ...Object.fromEntries(targets.map((target) => [target, closedOn(target)])),
          mean: rowOf(all).gapClosed ?? null,
        },
        guarded: mine.flatMap(({ seed, target, fold, guard }) =>
          guard ? [{ seed, target, ...(fold && { fold }), reason: guard }] : [],
        ),
      };
    }),
  };
}
