/**
 * The scores that a run of either kind has found, from its `results/`: of every model that was trained, and as entries
 * of a comparison.
 */
import { existsSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import type { ComparisonEntry } from '../../compare/index.js';
import type { CaseScore } from '../../metrics/index.js';
import { runError } from '../errors.js';
import { type Regime, variantsOf } from '../federation/recipe.js';
import { pathOf, type RegimeResult, tasksOf } from '../federation/results.js';
import type { RunFiles } from '../folder.js';
import { readRunJson, savedRecipe } from '../folder.js';
import { type AnyRecipe, readSavedRecipe } from '../kinds.js';
import { methodsOf } from '../recipe.js';
import { readResults, readSourceResults } from '../summary.js';

/** One model's scores. */
export interface ModelScores {
  seed: number;
  /** Of an adaptation the method, of a federation the plan. */
  method: string;
  /** Of a federation. */
  regime: Regime | null;
  /** The site that trained alone; null: all sites, or an adaptation. */
  trainedAt: string | null;
  cases: CaseScore[];
}

/** A run that is only read. @throws GraftError RUN_MISSING, and what reading a recipe throws */
export function openRun(path: string): { files: RunFiles; run: AnyRecipe } {
  const file = (...parts: string[]) => join(path, ...parts);
  const recipe = file('recipe.yaml');
  if (!existsSync(recipe)) throw runError('RUN_MISSING', { folder: path });
  const { saved, noted } = savedRecipe(path);
  if (!saved && noted !== undefined)
    throw runError('RUN_DAMAGED', { file: recipe, reason: 'it is not what was written' });
  const files: RunFiles = {
    file,
    has: (...parts) => existsSync(file(...parts)),
    readJson: <T extends object>(...parts: string[]): T => readRunJson<T>(file(...parts)),
  };
  return { files, run: readSavedRecipe(recipe) };
}

/** Every model that has been scored, in the recipe's order; each once, also where variants share it. */
export function readScores(files: RunFiles, { kind, recipe }: AnyRecipe): ModelScores[] {
  if (kind === 'adaptation') {
    const { groupBy, sourceGroupBy, source } = recipe;
    const patient = (score: CaseScore) => withPatient(score, score.site === source ? sourceGroupBy : groupBy);
    const own = readSourceResults(files, recipe).map(({ seed, cases }) => ({ seed, method: 'source', cases }));
    const adapted = readResults(files, recipe).map(({ seed, method, cases }) => ({ seed, method, cases }));
    return [...own, ...adapted].map((one) => ({
      ...one,
      ...{ regime: null, trainedAt: null },
      cases: one.cases.map(patient),
    }));
  }
  return recipe.seeds.flatMap((seed) =>
    variantsOf(recipe).flatMap((variant) =>
      tasksOf(recipe, seed, variant)
        .filter((task) => task.plan === variant.name && files.has('results', `${pathOf(task)}.json`))
        .map((task) => {
          const result = files.readJson<RegimeResult>('results', `${pathOf(task)}.json`);
          const cases = result.cases.map((score) => withPatient(score, recipe.groupBy, score.site));
          return { seed, method: task.plan, regime: task.regime, trainedAt: task.site, cases };
        }),
    ),
  );
}

/**
 * Names the patient after the recipe's pattern, as the split did, where the data set does not say.
 * @param site of a hospital, where another hospital's patients may have the same names
 */
function withPatient(score: CaseScore, groupBy: string | undefined, site?: string): CaseScore {
  const match = score.patient === undefined && groupBy !== undefined && new RegExp(groupBy).exec(score.name);
  return match ? { ...score, patient: [...(site ? [site] : []), match[1] ?? match[0]].join('/') } : score;
}

/**
 * What a run compares: its methods on the targets; or its plans in each regime on all sites, of `local` every site's own
 * model on the site's own cases.
 */
export function entriesOf(files: RunFiles, run: AnyRecipe): ComparisonEntry[] {
  const { kind, recipe } = run;
  const all = readScores(files, run);
  const entry = (
    name: string,
    mine: readonly ModelScores[],
    counts: (score: CaseScore, of: ModelScores) => boolean,
  ) => {
    const scores = mine.flatMap((one) => one.cases.filter((score) => counts(score, one)));
    const { toleranceMm, classes } = recipe;
    return scores.length === 0
      ? []
      : { ...{ name, toleranceMm, classes, scores }, seeds: [...new Set(mine.map(({ seed }) => seed))] };
  };
  if (kind === 'adaptation')
    return methodsOf(recipe).flatMap(({ name }) =>
      entry(
        name,
        all.filter(({ method }) => method === name),
        ({ site }) => recipe.targets.includes(site),
      ),
    );
  return variantsOf(recipe).flatMap(({ name, regimes }) =>
    regimes.flatMap((regime) =>
      entry(
        `${name}/${regime}`,
        all.filter((one) => one.method === name && one.regime === regime),
        ({ site }, { trainedAt }) => trainedAt === null || trainedAt === site,
      ),
    ),
  );
}

/** What runs are called: the last parts of their folders' paths, as many as tell them apart. */
export function namesOfRuns(given: readonly string[]): string[] {
  const parts = given.map((folder) => resolve(folder).split(sep).filter(Boolean));
  const several = new Set(parts.map((path) => path.join(sep))).size;
  const longest = Math.max(...parts.map((path) => path.length));
  for (let count = 1; ; count++) {
    const names = parts.map((path) => path.slice(-count).join('/'));
    if (new Set(names).size === several || count >= longest) return names;
  }
}

/**
 * The entries of several runs; where there are more than one, under the names of their folders.
 * @throws GraftError RUN_MISSING, RUN_UNSCORED, RUN_DAMAGED, and what reading a recipe throws
 */
export function entriesOfRuns(given: readonly string[]): ComparisonEntry[] {
  const folders = [...new Set(given.map((folder) => resolve(folder)))];
  const names = namesOfRuns(folders);
  return folders.flatMap((folder, i) => {
    const { files, run } = openRun(folder);
    const entries = entriesOf(files, run);
    if (entries.length === 0) throw runError('RUN_UNSCORED', { folder });
    return folders.length === 1 ? entries : entries.map((one) => ({ ...one, name: `${names[i]}/${one.name}` }));
  });
}
