/**
 * What the coordinator lets in: messages that an expected site has signed for this federation and this session.
 * Everything else is dropped on arrival, and counted instead of recorded one by one; otherwise anyone who can write to the
 * transport could fill the ledger and the memory. What an expected site said to an earlier start of the coordinator is not
 * even counted: the transport keeps its last message, and the site says it again to this start.
 */
import { GraftError } from '../core/index.js';
import type { Book } from './book.js';
import type { Entry } from './entries.js';
import { federateError } from './errors.js';
import { type SiteState, siteStateOf, stateLimit } from './messages.js';
import { openEnvelope } from './signing.js';

/** What a site said, proven to be its own. */
export interface Heard {
  site: string;
  /** The key that signed it. */
  key: string;
  state: SiteState;
  /** Size of the message in its envelope. */
  bytes: number;
}

type Dropped = Extract<Entry, { kind: 'dropped' }>;

/** Most messages of one site that may wait to be judged; an honest site sends its next only after an answer. */
const WAITING = 16;

export class Gate {
  /** Names of the sites that may take part, with their public keys where those are known in advance. */
  #keys: ReadonlyMap<string, string | undefined>;
  readonly #place: { federation: string; session: string };
  readonly #book: Book;
  readonly #waiting = new Map<string, number>();
  /** Messages dropped since the last count: under the names of sites, and under others. */
  #dropped: Record<string, number> = {};
  #strangers = 0;

  constructor(
    keys: ReadonlyMap<string, string | undefined>,
    place: { federation: string; session: string },
    book: Book,
  ) {
    this.#keys = keys;
    this.#place = place;
    this.#book = book;
  }

  /** From now on these sites may take part, and no others. */
  change(keys: ReadonlyMap<string, string | undefined>): void {
    this.#keys = keys;
  }

  /** Whether the site may take part. */
  knows(site: string): boolean {
    return this.#keys.has(site);
  }

  /** @returns the message; an entry for the ledger if it is the first that is dropped of the site; otherwise undefined */
  admit(bytes: Uint8Array, site: string): Heard | Dropped | undefined {
    if (!this.#keys.has(site)) {
      this.#strangers++;
      return undefined;
    }
    try {
      const heard = this.#open(bytes, site);
      if (!heard) return undefined;
      const waiting = this.#waiting.get(site) ?? 0;
      if (waiting >= WAITING) throw invalid(site, 'too many messages of the site are waiting');
      this.#waiting.set(site, waiting + 1);
      return heard;
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      this.#dropped[site] = (this.#dropped[site] ?? 0) + 1;
      return this.#dropped[site] === 1 ? { kind: 'dropped', site, reason: error.message } : undefined;
    }
  }

  /** Makes room for the site's next message. */
  taken(site: string): void {
    this.#waiting.set(site, this.#waiting.get(site)! - 1);
  }

  /** What was dropped since the last count; undefined if nothing was. */
  count(round: number): Extract<Entry, { kind: 'noise' }> | undefined {
    const noise = { kind: 'noise', round, dropped: this.#dropped, strangers: this.#strangers } as const;
    this.#dropped = {};
    this.#strangers = 0;
    return noise.strangers > 0 || Object.keys(noise.dropped).length > 0 ? noise : undefined;
  }

  /** @returns undefined for an answer to an earlier start of the coordinator @throws GraftError MESSAGE_INVALID */
  #open(bytes: Uint8Array, site: string): Heard | undefined {
    const letter = openEnvelope(bytes, { speaker: 'site', limit: stateLimit, from: site });
    const known = this.#book.registered.get(site)?.key ?? this.#keys.get(site);
    // If a key is known, nothing is parsed before the signature is checked.
    if (known !== undefined && !letter.signedBy(known)) throw invalid(site, unsigned);
    const state = siteStateOf(letter.body, site);
    if (known === undefined && state.kind !== 'present') throw invalid(site, 'the site did not register');
    const key = known ?? (state as { key: string }).key;
    if (known === undefined && !letter.signedBy(key)) throw invalid(site, unsigned);
    if (state.site !== site) throw invalid(site, 'it speaks for another site');
    if (state.federation !== this.#place.federation) throw invalid(site, 'it belongs to another federation');
    if (state.session !== this.#place.session) return undefined;
    return { site, key, state, bytes: bytes.length };
  }
}

const unsigned = 'it is not signed with the key of that site';
const invalid = (from: string, reason: string) => federateError('MESSAGE_INVALID', { from, reason });
