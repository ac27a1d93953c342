/** What a coordinator's events are called for people. */
import type { CoordinatorEvent } from '../../federate/index.js';
import { bytes } from '../../report/index.js';

/** A line; undefined for what needs none. */
export function textOfEvent(event: CoordinatorEvent): string | undefined {
  switch (event.kind) {
    case 'round':
      return `round ${event.round} of ${event.rounds}: ${event.sites.join(', ')}`;
    case 'registered':
      return `${event.site} is there: ${event.cases} cases, ${event.slices} slices`;
    case 'rejected':
    case 'dropped':
      return `${event.site} was not listened to: ${event.reason}`;
    case 'noise':
      return undefined;
    case 'accepted':
      return `${event.site}: update of round ${event.round} taken, ${bytes(event.up)}`;
    case 'refused':
      return `${event.site}: update of round ${event.round} refused: ${event.reason}`;
    case 'failed':
      if (event.behind)
        return `${event.site}: its folder is older than what it sent; it is left out until it comes back with a newer one, or under another name`;
      return `${event.site} failed in round ${event.round}: ${event.reason}`;
    case 'late':
      return `${event.site}: update of round ${event.round} came late`;
    case 'missing':
      return `${event.site} did not answer in round ${event.round}`;
    case 'aggregated':
      return `round ${event.round} of ${event.rounds} is done: ${Object.keys(event.weights).length} sites, ${bytes(event.down + event.up)}`;
    case 'finished':
      return undefined;
  }
}
