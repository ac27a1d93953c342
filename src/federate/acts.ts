/** What a coordinator or a site puts into its journal of what it tells while it runs; progress is no act. */
import type { Act } from '../audit/index.js';
import type { Entry } from './entries.js';
import type { CoordinatorEvent, SiteEvent } from './events.js';

/**
 * The act that an event of a coordinator is; undefined for none.
 *
 * @param heads of the sites' journals, as `SealedCoordinator.heads` has them: an update is noted with its site's
 */
export function coordinatorAct(
  event: CoordinatorEvent,
  heads: ReadonlyMap<string, string> = new Map(),
): Act | undefined {
  switch (event.kind) {
    case 'registered':
      return { act: 'site.registered', subject: event.site, details: { slices: event.slices, cases: event.cases } };
    case 'rejected':
      return { act: 'site.rejected', subject: event.site, reason: event.reason };
    case 'dropped':
      return { act: 'messages.dropped', subject: event.site, reason: event.reason };
    case 'noise':
      return {
        ...{ act: 'messages.dropped', round: event.round },
        details: { sites: event.dropped, strangers: event.strangers },
      };
    case 'round':
      return { act: 'round.opened', round: event.round, details: { sites: event.sites } };
    case 'accepted': {
      const { site, round, blob, up } = event;
      const head = heads.get(site);
      return {
        ...{ act: 'update.accepted', subject: site, round, hashes: { update: blob.hash }, bytes: up },
        ...(head && { heads: { [site]: head } }),
      };
    }
    case 'refused':
      return { act: 'update.refused', subject: event.site, round: event.round, bytes: event.up, reason: event.reason };
    case 'late':
      return { act: 'update.late', subject: event.site, round: event.round, bytes: event.up };
    case 'failed':
      return { act: 'site.failed', subject: event.site, round: event.round, reason: event.reason };
    case 'missing':
      return { act: 'site.missing', subject: event.site, round: event.round };
    case 'aggregated':
      return closed(event.round, event.fingerprint, event.weights);
    case 'finished':
      return { act: 'federation.finished', round: event.rounds, hashes: { state: event.fingerprint } };
  }
}

const closed = (round: number, state: string, weights: Record<string, number>): Act => ({
  ...{ act: 'round.closed', round, hashes: { state }, details: { weights } },
});

/** The act of the last entry of a ledger that is one: all that a coordinator may have recorded, and was killed before it told it. */
export function lastAct(entries: readonly Entry[]): Act | undefined {
  for (const entry of entries.toReversed())
    if (entry.kind === 'aggregated') {
      const { round, state } = entry;
      const decision = entries.findLast((one) => one.kind === 'closed' && one.round === round);
      return closed(round, state.fingerprint, (decision as Extract<Entry, { kind: 'closed' }>).weights);
    } else if ('site' in entry || entry.kind === 'noise') return coordinatorAct(entry);
  return undefined;
}

const sent = { present: 'registration.sent', update: 'update.sent', failed: 'failure.sent' } as const;

/**
 * The act that an event of a site is; undefined for none. What leaves the site is told before it leaves, so if the journal
 * cannot be written, it stays.
 *
 * @param coordinatorHead as `SealedSite.coordinatorHead` has it: a task is noted with it
 */
export function siteAct(event: SiteEvent<unknown>, coordinatorHead?: string): Act | undefined {
  switch (event.kind) {
    case 'asked':
      return {
        ...{ act: 'task.received', subject: event.task, round: event.round },
        ...{ hashes: { task: event.hash }, bytes: event.bytes },
        ...(event.rounds !== undefined && { details: { rounds: event.rounds } }),
        ...(coordinatorHead && { heads: { coordinator: coordinatorHead } }),
      };
    case 'sends':
      return {
        ...{ act: sent[event.what], round: event.round, reason: event.reason, bytes: event.bytes },
        hashes: { message: event.hash, ...(event.update && { update: event.update }) },
        ...(event.metrics && { details: { metrics: event.metrics, received: event.down } }),
      };
    case 'ignored':
      return { act: 'message.refused', reason: event.reason };
    default:
      return undefined;
  }
}
