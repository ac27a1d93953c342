/** A federated run's results as a table: plan by regime, over seeds; what the rounds gained, and what they moved. */

import { type LoadedSite, meanScore } from '../../jobs/index.js';
import type { CaseScore } from '../../metrics/index.js';
import { countElements } from '../../nn/index.js';
import type { BySite, FederationSummary, PlanSummary, RegimeScores, Traffic } from '../../report/index.js';
import { onDevice } from '../../torch/index.js';
import type { Bench } from '../findings.js';
import { bySite, spread } from '../spread.js';
import { type FederationRecipe, networkOf, type Regime, type Variant } from './recipe.js';
import type { Found, RegimeResult } from './results.js';

export type { BySite, FederationSummary, PlanSummary, RegimeScores, Traffic };

/** What is particular to a federated study. */
export interface FederationKind {
  recipe: FederationRecipe;
  result: RegimeResult;
  found: Found;
  summary: FederationSummary;
  /** With the sites, which are read for the first task. */
  bench: Bench & { sites: LoadedSite[] };
}

/** Of a run that is done. */
export function summarise(recipe: FederationRecipe, found: Found): FederationSummary {
  const { toleranceMm, seeds, sites, classes, variants } = recipe;
  const moved = variants.map((variant) => bytesOf(recipe, variant, found));
  return {
    ...{ toleranceMm, seeds, sites, classes },
    plans: variants.map(({ name, label, regimes }, i) => {
      const mine = found.done.flatMap(({ task, result }) => (task.variant.name === name ? [result] : []));
      const scores = (regime: Regime) => scoresOf(recipe, mine, regime);
      const federated = mine.find(({ regime }) => regime === 'federated');
      return {
        ...{ name, label },
        trainedParameters: mine[0].trainedParameters,
        travellingParameters: federated?.travellingParameters ?? null,
        regimes: Object.fromEntries(regimes.map((regime) => [regime, scores(regime)])),
        localModels: regimes.includes('local') ? localModels(recipe, mine) : null,
        gain: regimes.includes('local') && federated ? gainOf(recipe, mine) : null,
        traffic: moved[i] && trafficOf(recipe, moved, moved[i]),
      };
    }),
  };
}

/** The cases of a site, under the model of a regime that is the site's. */
const casesOf = (results: readonly RegimeResult[], seed: number, regime: Regime, site: string): CaseScore[] =>
  results
    .find((one) => one.seed === seed && one.regime === regime && (one.site === null || one.site === site))!
    .cases.filter((one) => one.site === site);

function scoresOf(recipe: FederationRecipe, results: readonly RegimeResult[], regime: Regime): RegimeScores {
  const measure = (key: 'dice' | 'surfaceDice') =>
    bySite(recipe.sites, recipe.seeds, (site, seed) => meanScore(casesOf(results, seed, regime, site), key));
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

function gainOf({ sites, seeds }: FederationRecipe, results: readonly RegimeResult[]): BySite {
  const dice = (seed: number, regime: Regime, site: string) => meanScore(casesOf(results, seed, regime, site), 'dice');
  return bySite(sites, seeds, (site, seed) => dice(seed, 'federated', site) - dice(seed, 'local', site));
}

function localModels({ sites, seeds }: FederationRecipe, results: readonly RegimeResult[]): BySite {
  return bySite(sites, seeds, (site, seed) => {
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
function bytesOf({ seeds }: FederationRecipe, { name, federation }: Variant, { ledger }: Found): Moved | null {
  const entries = seeds.flatMap((seed) => ledger(seed, name));
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
  all: readonly (Moved | null)[],
  { rounds, down, up, updates }: Moved,
): Traffic {
  const total = down + up;
  const full = all.find(
    (_, i) =>
      recipe.variants[i].plan === 'full' &&
      recipe.variants[i].federation.wire === 'fp32' &&
      recipe.variants[i].federation.rounds === rounds,
  );
  const { family, config } = networkOf(recipe);
  const size = onDevice('meta', () => countElements(family.build(config).parameters().values()));
  const everything = full ? full.down + full.up : 2 * updates * 4 * size;
  return {
    ...{ rounds, down, up, total, perRound: total / rounds },
    reduction: { factor: everything / total, against: full ? 'measured' : 'computed' },
  };
}
