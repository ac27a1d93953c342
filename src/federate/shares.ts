/** Which sites take part in a round, and how much each counts. */
import { random } from '../core/index.js';
import type { Registered } from './book.js';
import type { Federation } from './config.js';
import { lowerMedian } from './decision.js';
import { federateError } from './errors.js';

/** The sites of a round, in order of name; the same seed always draws the same sites. */
export function sample(sites: readonly string[], round: number, { sampling, minSites, seed }: Federation): string[] {
  const count = Math.min(sites.length, Math.max(minSites, Math.ceil(sampling * sites.length)));
  return random(seed, 'sites', round)
    .shuffle([...sites].sort())
    .slice(0, count)
    .sort();
}

/**
 * Shares of sites, which sum up to 1, in order of name. The size that a site claims counts up to `maxWeightRatio` times
 * the median, so that no site dominates a round by its claim.
 *
 * @throws GraftError WEIGHTS_INVALID
 */
export function sharesOf(
  sites: readonly string[],
  registered: ReadonlyMap<string, Registered>,
  { weights, maxWeightRatio }: Pick<Federation, 'weights' | 'maxWeightRatio'>,
): Record<string, number> {
  const weightOf = (site: string): number => {
    if (weights === 'equal') return 1;
    if (typeof weights === 'string') return registered.get(site)![weights];
    const given = weights[site];
    if (given === undefined) throw federateError('WEIGHTS_INVALID', { problem: `${site} has none` });
    return given;
  };
  const said = [...sites].sort().map((site) => [site, weightOf(site)] as const);
  const capped = typeof weights === 'string' && maxWeightRatio !== null;
  const most = capped ? maxWeightRatio * lowerMedian(said.map(([, weight]) => weight)) : Number.POSITIVE_INFINITY;
  const all = said.map(([site, weight]) => [site, Math.min(weight, most)] as const);
  const sum = all.reduce((total, [, weight]) => total + weight, 0);
  if (!(sum > 0)) throw federateError('WEIGHTS_INVALID', { problem: `they are 0 for ${sites.join(', ')}` });
  return Object.fromEntries(all.map(([site, weight]) => [site, weight / sum]));
}
