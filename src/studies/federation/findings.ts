/** What a federated run found. */
import type { Findings } from '../findings.js';
import { meansOf } from '../outcome.js';
import type { FederationRecipe } from './recipe.js';
import { reportOf } from './report.js';
import { type Found, modelsOf, readFound } from './results.js';
import { type FederationSummary, summarise } from './summary.js';

export const federationFindings: Findings<FederationRecipe, Found, FederationSummary> = {
  read: readFound,
  models: modelsOf,
  summarise,
  scores: ({ plans }) =>
    plans.flatMap(({ name, regimes }) =>
      Object.entries(regimes).map(([regime, { surfaceDice, dice }]) => ({
        series: ['test', name, regime],
        values: { ...meansOf('surface dice', surfaceDice), ...meansOf('dice', dice) },
      })),
    ),
  report: reportOf,
};
