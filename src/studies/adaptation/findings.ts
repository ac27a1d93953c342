/** What an adaptation found. */
import type { Findings } from '../findings.js';
import { meansOf } from '../outcome.js';
import type { Recipe } from './recipe.js';
import { reportOf } from './report.js';
import { type Found, modelsOf, readFound } from './results.js';
import { type Summary, summarise } from './summary.js';

export const adaptationFindings: Findings<Recipe, Found, Summary> = {
  read: readFound,
  models: modelsOf,
  summarise,
  scores: ({ methods }) =>
    methods.map(({ name, surfaceDice, dice }) => ({
      series: ['test', name],
      values: { ...meansOf('surface dice', surfaceDice), ...meansOf('dice', dice) },
    })),
  report: reportOf,
};
