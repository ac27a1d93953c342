/**
 * The guard: what a model's outputs look like on its source domain, and whether an adapted model still looks like that.
 * Self-training can drift into a wrong answer while the agreements that select the epoch keep rising; the guard looks at what
 * they cannot see.
 */
import { meanOf } from '../metrics/index.js';
import type { SourceReference } from '../segmenter/index.js';
import type { Observation } from './observation.js';

const extent = (values: number[]) => ({ low: Math.min(...values), high: Math.max(...values) });

const LEAST_SPREAD = 0.1;

function typical(values: number[]) {
  const centre = meanOf(values);
  const deviation = Math.sqrt(meanOf(values.map((value) => (value - centre) ** 2)));
  const spread = Math.max(deviation, LEAST_SPREAD * centre);
  return { low: Math.max(0, centre - spread), high: centre + spread };
}

/**
 * The ranges over the source's cases. Volumes scatter from patient to patient as anatomy does, so a mean over target cases
 * is expected within one standard deviation of the source's mean, of which at least `LEAST_SPREAD` is taken: few cases
 * may happen to be alike.
 *
 * @param cases that were looked at; with slices of all planes, there is an observation for each plane of a case
 */
export function referenceOf(observations: readonly Observation[], cases = observations.length): SourceReference {
  const mirrored = observations.flatMap((one) => one.mirrored ?? []);
  return {
    volumeMl: typical(observations.map(({ volumeMl }) => volumeMl)),
    entropy: extent(observations.map(({ entropy }) => entropy)),
    agreement: extent(observations.map(({ agreement }) => agreement)),
    ...(mirrored.length > 0 && { mirrored: meanOf(mirrored) }),
    cases,
  };
}

/** How far a mean over target cases may leave the source's range, relative to its end: scanners differ. */
const SLACK = { entropy: 0.5, agreement: 0.5 };

export interface Departure {
  measure: 'volume' | 'entropy' | 'agreement with the source model';
  value: number;
  low: number;
  high: number;
}

/**
 * Which measures leave the source's range.
 *
 * @param seen means over the target's cases; `agreementWithSource` is absent for the source model itself, and does not
 * count where the source model's own output leaves the range: there is no merit in agreeing with it then
 */
export function departures(
  seen: { volumeMl: number; entropy: number; agreementWithSource?: number },
  { volumeMl, entropy, agreement }: SourceReference,
): Departure[] {
  const checks: Departure[] = [
    { measure: 'volume', value: seen.volumeMl, ...volumeMl },
    // Being surer than on the source is no fault.
    { measure: 'entropy', value: seen.entropy, low: 0, high: entropy.high * (1 + SLACK.entropy) },
  ];
  if (seen.agreementWithSource !== undefined)
    checks.push({
      measure: 'agreement with the source model',
      value: seen.agreementWithSource,
      low: agreement.low * (1 - SLACK.agreement),
      high: 1,
    });
  // Written so that NaN departs.
  return checks.filter(({ value, low, high }) => !(value >= low && value <= high));
}

/** How far the worst measure is out, as a factor of at least 1; 1 where nothing departs. */
export const severity = (list: readonly Departure[]): number =>
  Math.max(
    1,
    ...list.map(({ value, low, high }) => {
      if (Number.isNaN(value)) return Number.POSITIVE_INFINITY;
      return value > high ? value / high : low / Math.max(value, 1e-6);
    }),
  );
