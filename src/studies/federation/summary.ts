/** A federated run's results as a table: plan by regime, over seeds; what the rounds gained, and what they moved. */

import { meanScore } from '../../jobs/index.js';
import type { CaseScore } from '../../metrics/index.js';
import { countElements } from '../../nn/index.js';
import type { BySite, FederationSummary, PlanSummary, RegimeScores, Traffic } from '../../report/index.js';
import { onDevice } from '../../torch/index.js';
import type { RunFolder } from '../folder.js';
import { spread } from '../summary.js';
import { type FederationRecipe, networkOf, type Regime, type Variant, variantsOf } from './recipe.js';
import { ledgerOf, type RegimeResult, readRegimeResults } from './results.js';

export type { BySite, FederationSummary, PlanSummary, RegimeScores, Traffic };

export function summariseFederation(folder: RunFolder, recipe: FederationRecipe): FederationSummary {
  const { toleranceMm, seeds, sites, classes } = recipe;
  const results = readRegimeResults(folder, recipe);
  const variants = variantsOf(recipe);
  const moved = variants.map((variant) => bytesOf(folder, recipe, variant));
  return {
    ...{ toleranceMm, seeds, sites, classes },
    plans: variants.map(({ name, label, regimes }, i) => {
      const mine = results.filter(({ plan }) => plan === name);
      const scores = (regime: Regime) => scoresOf(recipe, mine, regime);
      const federated = mine.find(({ regime }) => regime === 'federated');
      return {
        ...{ name, label },
        trainedParameters: mine[0].trainedParameters,
        travellingParameters: federated?.travellingParameters ?? null,
        regimes: Object.fromEntries(regimes.map((regime) => [regime, scores(regime)])),
        localModels: regimes.includes('local') ? localModels(recipe, mine) : null,
        gain: regimes.includes('local') && federated ? gainOf(recipe, mine) : null,
        traffic: moved[i] && trafficOf(recipe, variants, moved, moved[i]),
      };
    }),
  };
}

/** The cases of a site, under the model of a regime that is the site's. */
const casesOf = (results: readonly RegimeResult[], seed: number, regime: Regime, site: string): CaseScore[] =>
  results
    .find((one) => one.seed === seed && one.regime === regime && (one.site === null || one.site === site))!
    .cases.filter((one) => one.site === site);

/** Values by site and seed, and their mean over the sites. */
function bySite({ sites, seeds }: FederationRecipe, value: (site: string, seed: number) => number): BySite {
  const values = sites.map((site) => seeds.map((seed) => value(site, seed)));
  const means = seeds.map((_, i) => values.reduce((sum, one) => sum + one[i], 0) / sites.length);
  return Object.fromEntries([...sites.map((site, i) => [site, spread(values[i])]), ['mean', spread(means)]]);
}

function scoresOf(recipe: FederationRecipe, results: readonly RegimeResult[], regime: Regime): RegimeScores {
  const measure = (key: 'dice' | 'surfaceDice') =>
    bySite(recipe, (site, seed) => meanScore(casesOf(results, seed, regime, site), key));
  const ofClass = (site: string, name: string) =>
    spread(
      recipe.seeds.map((seed) => {
        const values = casesOf(results, seed, regime, site).map(({ classes }) => classes[name].dice!);
        return values.reduce((a, b) => a + b, 0) / values.length;
      }),
    );
  return {
    dice: measure('dice'),
    surfaceDice: measure('surfaceDice'),
    classes: Object.fromEntries(
      recipe.sites.map((site) => [site, Object.fromEntries(recipe.classes.map((name) => [name, ofClass(site, name)]))]),
    ),
  };
}

function gainOf(recipe: FederationRecipe, results: readonly RegimeResult[]): BySite {
  const dice = (seed: number, regime: Regime, site: string) => meanScore(casesOf(results, seed, regime, site), 'dice');
  return bySite(recipe, (site, seed) => dice(seed, 'federated', site) - dice(seed, 'local', site));
}

function localModels(recipe: FederationRecipe, results: readonly RegimeResult[]): BySite {
  return bySite(recipe, (site, seed) => {
    const models = results.filter((one) => one.regime === 'local' && one.seed === seed);
    const scores = models.map(({ cases }) =>
      meanScore(
        cases.filter((one) => one.site === site),
        'dice',
      ),
    );
    return scores.reduce((a, b) => a + b, 0) / scores.length;
  });
}

interface Moved {
  rounds: number;
  down: number;
  up: number;
  /** Updates that were taken. */
  updates: number;
}

/** From the ledgers, means over the seeds. */
function bytesOf(folder: RunFolder, { seeds }: FederationRecipe, { name, federation }: Variant): Moved | null {
  const entries = seeds.flatMap((seed) => ledgerOf(folder, seed, name));
  if (entries.length === 0) return null;
  const traffic = entries.flatMap((entry) => ('down' in entry ? [entry] : []));
  const sum = (value: (entry: (typeof traffic)[number]) => number) =>
    traffic.reduce((total, entry) => total + value(entry), 0) / seeds.length;
  return {
    rounds: federation.rounds,
    down: sum(({ down }) => down),
    up: sum(({ up }) => up),
    updates: sum(({ kind }) => (kind === 'accepted' ? 1 : 0)),
  };
}

function trafficOf(
  recipe: FederationRecipe,
  variants: readonly Variant[],
  all: readonly (Moved | null)[],
  { rounds, down, up, updates }: Moved,
): Traffic {
  const total = down + up;
  const full = all.find(
    (_, i) =>
      variants[i].plan === 'full' && variants[i].federation.wire === 'fp32' && variants[i].federation.rounds === rounds,
  );
  const { family, config } = networkOf(recipe);
  const size = onDevice('meta', () => countElements(family.build(config).parameters().values()));
  const everything = full ? full.down + full.up : 2 * updates * 4 * size;
  return {
    ...{ rounds, down, up, total, perRound: total / rounds },
    reduction: { factor: everything / total, against: full ? 'measured' : 'computed' },
  };
}
