/** How long what is left takes, by the pace so far. */
import type { PageWork } from '../../src/report/page-data.js';

/**
 * By the mean of what is done of the same kind. What is under way is taken to have no time left where it takes longer.
 *
 * @param now ms since 1970; undefined where it is not known how long ago the data were made
 * @returns seconds; undefined where nothing of a kind is done yet, or nothing is left
 */
export function secondsLeft({ done, left, begun }: PageWork, now: number | undefined): number | undefined {
  const means = new Map(
    done.flatMap(({ kind, count, seconds }) => (count > 0 ? [[kind, seconds / count] as const] : [])),
  );
  const some = left.filter(({ count }) => count > 0);
  if (some.length === 0 || some.some(({ kind }) => !means.has(kind))) return undefined;
  const whole = some.reduce((sum, { kind, count }) => sum + count * means.get(kind)!, 0);
  const elapsed = begun !== undefined && now !== undefined ? (now - Date.parse(begun)) / 1000 : 0;
  return whole - Math.min(Math.max(0, elapsed), means.get(some[0]!.kind)!);
}

/**
 * Rounds, each from the end of the one before to its own.
 * @param times when each of those that are done ended, ISO 8601, in order
 */
export function rounds(times: readonly (string | undefined)[], left: number): PageWork {
  const [first, last] = [times[0], times.at(-1)];
  const known = first !== undefined && last !== undefined;
  return {
    done: known
      ? [{ kind: 'round', count: times.length - 1, seconds: (Date.parse(last) - Date.parse(first)) / 1000 }]
      : [],
    left: [{ kind: 'round', count: Math.max(0, left) }],
    ...(last !== undefined && { begun: last }),
  };
}
