/** What a coordinator starts from: the sites it expects, their keys, and the configuration of the federation in its folder. */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Change, changesBetween, keyFault, shownName, tellChanges } from '../core/index.js';
import { fingerprint, type State } from '../nn/index.js';
import type { Blobs } from './blobs.js';
import type { Book } from './book.js';
import { federationSchema } from './config.js';
import type { Entry } from './entries.js';
import { federateError } from './errors.js';
import { GlobalState, type Label } from './global.js';
import { checkKey } from './signing.js';

/**
 * The sites that may take part, in order of name, with their public keys if given.
 *
 * @throws GraftError SITE_NAME_INVALID, KEY_INVALID
 */
export function expectedSites(
  sites: readonly string[] | Readonly<Record<string, string>>,
): Map<string, string | undefined> {
  const keys = Array.isArray(sites) ? new Map(sites.map((site) => [site, undefined])) : new Map(Object.entries(sites));
  for (const [site, key] of keys) {
    const reason = keyFault(site);
    if (reason) throw federateError('SITE_NAME_INVALID', { site: shownName(site), reason });
    if (key !== undefined) checkKey(key, site);
  }
  return new Map([...keys].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @throws GraftError KEY_OTHER if the folder knows the coordinator or a site by another key */
export function checkKeys(
  folder: string,
  book: Book,
  publicKey: string,
  sites: ReadonlyMap<string, string | undefined>,
): void {
  if (book.key !== undefined && book.key !== publicKey)
    throw federateError('KEY_OTHER', { folder, owner: 'the coordinator' });
  for (const [site, key] of sites) {
    const known = book.registered.get(site)?.key;
    if (key !== undefined && known !== undefined && key !== known)
      throw federateError('KEY_OTHER', { folder, owner: site });
  }
}

/** What a federation begins with. */
export interface Start {
  /** What travels, and what of it the sites share. */
  initial: State;
  shared: State;
  sites: readonly string[];
  /** The coordinator's public key. */
  key: string;
}

/**
 * Records that the federation begins, or what is asked for beyond what it began with.
 *
 * @param rights.extend whether more of the same may be asked for; `leave`: whether sites may also be gone
 * @throws GraftError FEDERATION_CHANGED, BLOB_DAMAGED
 */
export function open(
  { initial, shared, sites, key }: Start,
  label: Label,
  { folder, extend, leave }: { folder: string; extend: boolean; leave: boolean },
  { book, blobs, record }: { book: Book; blobs: Blobs; record: (entry: Entry) => void },
): void {
  const { config, plan, base } = label;
  const start = { ...config, plan, base, initial: fingerprint(initial), sites };
  const configuration = JSON.parse(JSON.stringify(start)) as Record<string, unknown>;
  const { configuration: before, state } = book;
  if (!before) {
    const global = GlobalState.begin(label, shared);
    const nonce = randomBytes(16).toString('hex');
    record({ kind: 'opened', configuration, state: global.keep(blobs, 0), key, nonce });
    global.dispose();
    return;
  }
  if (leave && !isDeepStrictEqual(before.sites, sites)) record({ kind: 'members', sites: [...sites] });
  const changes = changesSince(book.configuration!, configuration, { folder, extend });
  for (const blob of [state!.payload, state!.memory]) blobs.check(blob);
  const known = new Set(book.configuration!.sites as string[]);
  const joined = sites.filter((site) => !known.has(site));
  if (changes.length > 0) record({ kind: 'extended', configuration, joined });
}

/**
 * What has changed since the federation was begun. Settings that an earlier version did not know had today's defaults.
 *
 * @param extend whether more of the same may be asked for: further rounds, sites beside those that there are
 * @throws GraftError FEDERATION_CHANGED
 */
function changesSince(
  before: Record<string, unknown>,
  now: Record<string, unknown>,
  { folder, extend }: { folder: string; extend: boolean },
): Change[] {
  const changes = changesBetween({ ...federationSchema.parse({}), ...before }, now);
  const refused = extend ? changes.filter((one) => !adds(one)) : changes;
  if (refused.length === 0) return changes;
  throw federateError('FEDERATION_CHANGED', { folder, changed: tellChanges(refused, 'the ledger') });
}

/** Whether a change asks for more of the same: further rounds, sites beside those that there are, a weight for a new one. */
function adds({ key, before, now }: Change): boolean {
  if (key === 'rounds') return Number(now) > Number(before);
  if (key === 'sites') {
    const stay = new Set(now as string[]);
    return (before as string[]).every((site) => stay.has(site));
  }
  return key.startsWith('weights.') && before === undefined;
}
