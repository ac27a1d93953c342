/** Values over seeds, and over sites. */
import { meanOf, standardDeviation } from '../metrics/index.js';
import type { BySite, Spread } from '../report/index.js';

export const spread = (values: number[]): Spread => ({
  mean: meanOf(values),
  sd: values.length > 1 ? standardDeviation(values) : 0,
  values,
});

/** Values by site and seed, and their mean over the sites. */
export function bySite(
  sites: readonly string[],
  seeds: readonly number[],
  value: (site: string, seed: number) => number,
): BySite {
  const values = sites.map((site) => seeds.map((seed) => value(site, seed)));
  const means = seeds.map((_, i) => values.reduce((sum, one) => sum + one[i], 0) / sites.length);
  return Object.fromEntries([...sites.map((site, i) => [site, spread(values[i])]), ['mean', spread(means)]]);
}

/** How a table says what its values are means of. */
export const overSeeds = ({ seeds }: { seeds: readonly number[] }): string =>
  `mean of ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}`;
