/**
 * Where a federation's messages lie at the broker: subjects, the streams that keep them, and what each peer may do there.
 *
 * | subject | stream | published by |
 * | --- | --- | --- |
 * | `graft.FEDERATION.task` | task: the last one | the coordinator |
 * | `graft.FEDERATION.state.SITE` | state: the last one of each site | that site |
 * | `graft.FEDERATION.blob.SHA256.CHUNK` | blob: global states and corrections | the coordinator |
 * | `graft.FEDERATION.update.SITE.ROUND.SHA256.CHUNK` | update: what sites send | that site |
 * | `graft.FEDERATION.pulse.SITE` | none: that it lives, and how much has moved | that site |
 * | `graft.FEDERATION.coordinator` | none: whether there is another coordinator | the coordinator |
 * | `graft.FEDERATION.coordinator.QUESTION` | none: the answer to that | another coordinator |
 *
 * Every subject keeps one message, so sending something twice changes nothing. The coordinator's blobs and the sites' updates
 * are in separate streams, so a site that fills its stream cannot displace a global state.
 */
import { nameFault, shownName } from '../../../core/index.js';
import { federateError } from '../../errors.js';

/** A site's name in a subject: letters, digits, `_` and `-` as they are, the other bytes of its UTF-8 as `=` and two digits. */
export const tokenOf = (site: string): string =>
  [...Buffer.from(site)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w-]/.test(character) ? character : `=${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');

/** The name that `tokenOf` made the token from; undefined for any other token. */
export function nameOf(token: string): string | undefined {
  const bytes = token.replace(
    /[^=]|=([0-9a-f]{2})/g,
    (character, code) => code ?? character.charCodeAt(0).toString(16).padStart(2, '0'),
  );
  const site = Buffer.from(bytes, 'hex').toString();
  return tokenOf(site) === token && nameFault(site) === undefined ? site : undefined;
}

/** Subjects below a prefix, and the stream that keeps their messages. */
export interface Place {
  stream: string;
  /** Subjects are this, or begin with it and a dot. */
  subject: string;
}

export interface Places {
  task: Place;
  state: Place;
  blob: Place;
  update: Place;
}

/** What no stream keeps. */
export const fleetingOf = (federation: string) => ({
  /** A site's own begins with it and a dot. */
  pulse: `graft.${federation}.pulse`,
  coordinator: `graft.${federation}.coordinator`,
});

/** @throws GraftError FEDERATION_NAME_INVALID */
export function placesOf(federation: string): Places {
  if (!/^[\w-]{1,64}$/.test(federation))
    throw federateError('FEDERATION_NAME_INVALID', { name: shownName(federation) });
  const place = (kind: string) => ({ stream: `graft-${federation}-${kind}`, subject: `graft.${federation}.${kind}` });
  return { task: place('task'), state: place('state'), blob: place('blob'), update: place('update') };
}

/** Subject prefix of the broker's answers to a peer; nobody else may subscribe to it. */
export const inboxOf = (federation: string, site: string | undefined): string =>
  `_INBOX.graft.${federation}.${site === undefined ? 'coordinator' : `site.${tokenOf(site)}`}`;

export interface Permissions {
  publish: string[];
  subscribe: string[];
}

/**
 * The permissions that a peer needs.
 *
 * A site publishes its own state, updates and pulse. It reads the task, its own state and updates, and the coordinator's blobs,
 * each message by its subject; it cannot read what another site sent, nor list what there is. Only the coordinator makes, lists
 * and empties streams. A broker checks nothing else than the subject of a message, so these lists alone do not bound a site:
 * `brokerConfiguration` also gives it an account of its own.
 *
 * @param site undefined: the coordinator
 */
export function permissionsOf(federation: string, site?: string): Permissions {
  const { task, state, blob, update } = placesOf(federation);
  const api = (call: string, { stream }: Place, rest = '') => `$JS.API.${call}.${stream}${rest}`;
  const answers = `${inboxOf(federation, site)}.>`;
  const { pulse, coordinator } = fleetingOf(federation);
  if (site === undefined)
    return {
      publish: [
        ...[task.subject, `${blob.subject}.>`, coordinator, `${coordinator}.*`],
        ...[task, state, blob, update].flatMap((place) => [api('STREAM.*', place), api('DIRECT.GET', place, '.>')]),
      ],
      subscribe: [`${state.subject}.>`, `${pulse}.>`, coordinator, `${coordinator}.*`, answers],
    };
  const own = tokenOf(site);
  return {
    publish: [
      ...[`${state.subject}.${own}`, `${update.subject}.${own}.>`, `${pulse}.${own}`],
      api('DIRECT.GET', task, `.${task.subject}`),
      api('DIRECT.GET', state, `.${state.subject}.${own}`),
      api('DIRECT.GET', blob, `.${blob.subject}.>`),
      api('DIRECT.GET', update, `.${update.subject}.${own}.>`),
    ],
    subscribe: [task.subject, `${pulse}.${own}`, answers],
  };
}
