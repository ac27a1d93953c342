/** How the updates of each round lie to each other, as a page shows it. */
import type { Agreement } from '../federate/index.js';
import type { PageAggregation } from './page-data.js';

/** Sites of all rounds together that a page has room for. */
const MOST = 10_000;

/** What is recorded of a round. Earlier versions of graft recorded the error alone. */
interface Recorded {
  round: number;
  error?: number | undefined;
  agreement?: Agreement | undefined;
}

/** Of the last rounds, as many as a page has room for. */
export function aggregationOf(title: string, recorded: readonly Recorded[]): PageAggregation {
  const rounds: PageAggregation['rounds'] = [];
  let room = MOST;
  for (const { round, error, agreement } of recorded.toReversed()) {
    room -= agreement?.sites.length ?? 0;
    if (rounds.length > 0 && room < 0) break;
    rounds.push({ round, error: error ?? null, ...(agreement && { agreement }) });
  }
  return { title, rounds: rounds.reverse() };
}

type Sites = NonNullable<PageAggregation['rounds'][number]['agreement']>['sites'];

/** The norm of what a site changed in all layers. */
export const normOf = ({ norms }: Sites[number]): number => Math.hypot(...norms);

/**
 * Which of at least three sites drift, and how: `direction` where the cosine with the others lies below the median of all
 * by more than 0.2 and by more than three standard deviations as the middle half shows them, `size` where the update is
 * more than three times the median.
 */
export function driftOf(sites: Sites): Map<string, 'direction' | 'size'> {
  const drift = new Map<string, 'direction' | 'size'>();
  if (sites.length < 3) return drift;
  const cosines = sites.flatMap(({ cosine }) => (cosine === null ? [] : [cosine]));
  const usual = median(cosines);
  const spread = 1.4826 * median(cosines.map((cosine) => Math.abs(cosine - usual)));
  const large = 3 * median(sites.map(normOf));
  for (const site of sites) {
    if (site.cosine !== null && usual - site.cosine > Math.max(0.2, 3 * spread)) drift.set(site.site, 'direction');
    else if (normOf(site) > large) drift.set(site.site, 'size');
  }
  return drift;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)]! + sorted[Math.ceil(half)]!) / 2;
}
