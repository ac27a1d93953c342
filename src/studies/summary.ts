/** A run's results as a table: method by target, over seeds. */

import { meanScore } from '../jobs/index.js';
import { type ClassMeasures, meanOf, standardDeviation } from '../metrics/index.js';
import type { Spread } from '../report/index.js';
import type { RunFiles, RunFolder } from './folder.js';
import { methodsOf, type Recipe } from './recipe.js';
import type { Result, SourceResult } from './result.js';

export type { Spread };

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
    surfaceDice: Record<string, Spread>;
    dice: Record<string, Spread>;
    /** Runs in which the guard kept a safer model, with its reason. */
    guarded: { seed: number; target: string; reason: string }[];
  }[];
  /** Of the network on unseen cases of its own site. */
  source: { surfaceDice: Spread; dice: Spread };
}

export const spread = (values: number[]): Spread => ({
  mean: meanOf(values),
  sd: values.length > 1 ? standardDeviation(values) : 0,
  values,
});

/** Every finished result of the run, in the recipe's order. */
export const readResults = (files: RunFiles, recipe: Recipe): Result[] =>
  recipe.seeds.flatMap((seed) =>
    recipe.targets.flatMap((target) =>
      methodsOf(recipe)
        .map(({ name }) => ['results', `seed${seed}`, target, `${name}.json`])
        .filter((path) => files.has(...path))
        .map((path) => files.readJson<Result>(...path)),
    ),
  );

/** What the networks score on their own domain, by seed. */
export const readSourceResults = (files: RunFiles, { seeds }: Recipe): SourceResult[] =>
  seeds
    .map((seed) => ['results', `seed${seed}`, 'source.json'])
    .filter((path) => files.has(...path))
    .map((path) => files.readJson<SourceResult>(...path));

export function summarise(folder: RunFolder, recipe: Recipe): Summary {
  const results = readResults(folder, recipe);
  const sources = readSourceResults(folder, recipe);
  const own = (key: keyof ClassMeasures) => spread(sources.map(({ cases }) => meanScore(cases, key)));
  return {
    toleranceMm: recipe.toleranceMm,
    seeds: recipe.seeds,
    source: { surfaceDice: own('surfaceDice'), dice: own('dice') },
    methods: methodsOf(recipe).map(({ name, label }) => {
      const mine = results.filter(({ method }) => method === name);
      const scores = (key: keyof ClassMeasures) => {
        const perTarget = recipe.targets.map((target): [string, number[]] => [
          target,
          mine.filter((one) => one.target === target).map(({ cases }) => meanScore(cases, key)),
        ]);
        const perSeed = recipe.seeds.map(
          (_, i) => perTarget.reduce((sum, [, values]) => sum + values[i], 0) / perTarget.length,
        );
        return Object.fromEntries(
          [...perTarget, ['mean', perSeed] as [string, number[]]].map(([key, values]) => [key, spread(values)]),
        );
      };
      return {
        name,
        label,
        trainedParameters: mine[0]?.trainedParameters ?? 0,
        adapterBytes: mine[0]?.adapter?.bytes ?? null,
        surfaceDice: scores('surfaceDice'),
        dice: scores('dice'),
        guarded: mine.flatMap(({ seed, target, guard }) => (guard ? [{ seed, target, reason: guard }] : [])),
      };
    }),
  };
}
