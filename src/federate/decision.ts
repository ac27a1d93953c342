/** Which updates make the next global state, decided from the record alone. */
import type { GraftError } from '../core/index.js';
import type { Book, OpenRound } from './book.js';
import type { Federation } from './config.js';
import { federateError } from './errors.js';

/** Sites whose accepted updates are too far from the others', with the reasons. */
export function refusals(
  { accepted }: OpenRound,
  { scale, norms: before }: Book,
  { maxJump, maxNormRatio }: Federation,
): Map<string, string> {
  const norms = new Map([...accepted].map(([site, { norm }]) => [site, norm]));
  const reasons = new Map<string, string>();
  const refuse = (site: string, than: string) => {
    reasons.set(site, `its norm is ${norms.get(site)!.toPrecision(3)}, more than ${than}`);
    norms.delete(site);
  };
  if (maxJump !== null && scale !== undefined)
    for (const site of jumps(norms, before, scale, maxJump)) refuse(site, `${maxJump} times what is usual`);
  if (maxNormRatio !== null)
    for (const site of outliers(norms, maxNormRatio)) refuse(site, `${maxNormRatio} times the median`);
  return reasons;
}

/**
 * Sites with extraordinary updates: their norm is more than `maxJump` times the norm of the first global state, and more than
 * `maxJump` times the median norm of all other updates so far. No site can influence the former; the latter lets a network
 * change that began near zero.
 *
 * @param norms of the updates of the round
 * @param before those of the updates that were aggregated in earlier rounds
 * @param scale norm of the first global state that was not 0
 */
export function jumps(
  norms: ReadonlyMap<string, number>,
  before: readonly number[],
  scale: number,
  maxJump: number,
): string[] {
  const others = (site: string) => [
    ...before,
    ...[...norms].flatMap(([other, norm]) => (other === site ? [] : [norm])),
  ];
  return [...norms].flatMap(([site, norm]) =>
    norm > maxJump * scale && norm > maxJump * lowerMedian(others(site)) ? [site] : [],
  );
}

/** Sites whose norm is more than `ratio` times the median of all. */
export function outliers(norms: ReadonlyMap<string, number>, ratio: number): string[] {
  const sorted = [...norms.values()].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const median = (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
  return [...norms].filter(([, norm]) => norm > ratio * median).map(([site]) => site);
}

/** The median; of an even number of values the smaller of the middle two, so that half of the values cannot raise it. 0 of none. */
export function lowerMedian(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? 0;
}

/** Of the sites that were decided on, the one whose update is farthest from the global state. */
export function farthest({ weights, accepted }: OpenRound): string {
  const norms = Object.keys(weights!).map((site) => [site, accepted.get(site)!.norm] as const);
  return norms.reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

/** @param reasons why sites are not among those found */
export function tooFew(
  round: number,
  found: number,
  minSites: number,
  reasons: ReadonlyMap<string, string>,
): GraftError {
  const text = [...reasons].map(([site, reason]) => `${site}: ${reason.replace(/\.$/, '')}`).join('; ');
  const minimum = Math.max(1, minSites);
  return federateError('TOO_FEW_SITES', { round, found, minimum, reasons: text || 'no more are there' });
}
