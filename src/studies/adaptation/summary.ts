/** A run's results as a table: method by target, over seeds. */
import type { CaseSlices } from '../../data/index.js';
import { meanScore } from '../../jobs/index.js';
import type { ClassMeasures } from '../../metrics/index.js';
import type { BySite, Spread } from '../../report/index.js';
import type { Bench } from '../findings.js';
import { bySite, spread } from '../spread.js';
import type { Recipe } from './recipe.js';
import type { Found, Result } from './results.js';

export interface Summary {
  toleranceMm: number;
  seeds: number[];
  methods: {
    name: string;
    label: string;
    trainedParameters: number;
    /** Size of the adapter's file; null for the source model as it is. */
    adapterBytes: number | null;
    /** By target, and `mean` over the targets. */
    surfaceDice: BySite;
    dice: BySite;
    /** Runs in which the guard kept a safer model, with its reason. */
    guarded: { seed: number; target: string; reason: string }[];
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
  /** With the slices of the target whose turn it is. */
  bench: Bench & { target: string; slices: CaseSlices[] };
}

/** Of a run that is done. */
export function summarise({ toleranceMm, seeds, targets, variants }: Recipe, { done, sources }: Found): Summary {
  const own = (key: keyof ClassMeasures) => spread(sources.map(({ cases }) => meanScore(cases, key)));
  return {
    ...{ toleranceMm, seeds },
    source: { surfaceDice: own('surfaceDice'), dice: own('dice') },
    methods: variants.map(({ name, label }) => {
      const mine = done.flatMap(({ result }) => (result.method === name ? [result] : []));
      const scores = (key: keyof ClassMeasures) =>
        bySite(targets, seeds, (target, seed) =>
          meanScore(mine.find((one) => one.target === target && one.seed === seed)!.cases, key),
        );
      return {
        ...{ name, label },
        trainedParameters: mine[0].trainedParameters,
        adapterBytes: mine[0].adapter?.bytes ?? null,
        surfaceDice: scores('surfaceDice'),
        dice: scores('dice'),
        guarded: mine.flatMap(({ seed, target, guard }) => (guard ? [{ seed, target, reason: guard }] : [])),
      };
    }),
  };
}
