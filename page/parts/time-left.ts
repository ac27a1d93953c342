/** How long what is left takes, by the pace so far. */

/**
 * @param times when each of the steps that are done ended, ISO 8601, in order
 * @param total steps in all
 * @returns seconds; undefined where that is not known, or nothing is left
 */
export function secondsLeft(times: readonly (string | undefined)[], done: number, total: number): number | undefined {
  const [first, last] = [times[0], times.at(-1)];
  if (!first || !last || times.length < 2 || done >= total) return undefined;
  return ((Date.parse(last) - Date.parse(first)) / 1000 / (times.length - 1)) * (total - done);
}
