/**
 * What the coordinator knows, from its ledger alone: `apply` is given every entry, those of earlier processes first. Nothing
 * else changes it, so a coordinator that was killed stands where the last whole line of its ledger says.
 */
import { createHash } from 'node:crypto';
import type { Entry, StateRecord } from './entries.js';
import type { BlobReference } from './messages.js';

export interface Registered {
  /** Public key. */
  key: string;
  slices: number;
  cases: number;
}

export interface Answer {
  blob: BlobReference;
  norm: number;
}

/** A round under way. */
export class OpenRound {
  readonly round: number;
  readonly #chosen: Set<string>;
  /** The last round before of which an update was taken, by the names of those of which there is one. */
  readonly taken: Readonly<Record<string, number>>;
  readonly accepted = new Map<string, Answer>();
  /** Sites that are out of this round, with the reason. */
  readonly out = new Map<string, string>();
  /** The decision on whose updates are aggregated, once it is made. */
  weights: Record<string, number> | undefined;

  /** Sites that are left out, though they may have been chosen before. */
  readonly #behind: ReadonlySet<string>;
  readonly #missing = new Set<string>();

  constructor(
    round: number,
    chosen: readonly string[],
    { taken, behind }: { taken: ReadonlyMap<string, number>; behind: ReadonlySet<string> },
  ) {
    this.round = round;
    this.#chosen = new Set(chosen);
    this.#behind = behind;
    const asked = [...taken].filter(([site, last]) => last < round && (this.#chosen.has(site) || behind.has(site)));
    this.taken = Object.fromEntries(asked);
    for (const site of chosen) this.review(site);
  }

  get chosen(): ReadonlySet<string> {
    return this.#chosen;
  }

  /** Chosen sites that were not heard of, but for those that are left out. */
  get missing(): ReadonlySet<string> {
    return this.#missing;
  }

  /** Finds anew whether the site is missing, after something about it has changed. */
  review(site: string): void {
    const here = this.#chosen.has(site) && !this.#behind.has(site);
    if (here && !this.accepted.has(site) && !this.out.has(site)) this.#missing.add(site);
    else this.#missing.delete(site);
  }

  accept(site: string, answer: Answer): void {
    this.accepted.set(site, answer);
    this.out.delete(site);
    this.review(site);
  }

  /** Excludes a site, even after its update was accepted: a decision that included it no longer stands. */
  exclude(site: string, reason: string): void {
    this.accepted.delete(site);
    this.out.set(site, reason);
    this.weights = undefined;
    this.review(site);
  }

  /** Forgets a site that may take part no more, with its update. */
  revoke(site: string): void {
    if (!this.#chosen.delete(site)) return;
    this.accepted.delete(site);
    this.out.delete(site);
    this.weights = undefined;
    this.review(site);
  }

  /** Lets all sites answer again. */
  reopen(): void {
    this.out.clear();
    this.weights = undefined;
    for (const site of this.#chosen) this.review(site);
  }

  /** Bytes to and from sites. */
  down = 0;
  up = 0;
  count({ round, down, up }: { round: number; down: number; up: number }): void {
    if (round !== this.round) return;
    this.down += down;
    this.up += up;
  }
}

/**
 * A federation's identity, which sites keep beside their state and every message names. Earlier versions derived it from the
 * configuration alone.
 */
function identityOf({ configuration, key, nonce }: Extract<Entry, { kind: 'opened' }>): string {
  const content = key === undefined ? configuration : { configuration, key, nonce };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
}

export class Book {
  configuration: Record<string, unknown> | undefined;
  /** The federation's identity: it stays when the federation continues under another configuration. */
  federation: string | undefined;
  /** The coordinator's public key; undefined where an earlier version began. */
  key: string | undefined;
  /** Whether sites are waited for before the next round: at the beginning, and where some join. */
  gathers = false;
  readonly registered = new Map<string, Registered>();
  /** The last round that was aggregated. */
  round = 0;
  state: StateRecord | undefined;
  /** Frobenius norm of the first global state that was not 0. */
  scale: number | undefined;
  /** Norms of the updates that were aggregated. */
  readonly norms: number[] = [];
  open: OpenRound | undefined;
  /** Sites whose folders are older than what they sent: they are left out until they register or send an update. */
  readonly behind = new Set<string>();
  /** What rounds added to frozen weights. */
  readonly corrections: { round: number; blob: BlobReference }[] = [];
  readonly #heard = new Set<string>();
  readonly #accepted = new Map<string, number>();

  apply(entry: Entry): void {
    if ('down' in entry) {
      this.#heard.add(`${entry.round} ${entry.site}`);
      this.open?.count(entry);
    }
    switch (entry.kind) {
      case 'opened':
        this.configuration = entry.configuration;
        this.federation = identityOf(entry);
        this.key = entry.key;
        this.#take(entry.state);
        this.gathers = true;
        break;
      case 'extended':
        this.configuration = entry.configuration;
        this.gathers ||= entry.joined.length > 0;
        break;
      case 'members':
        this.configuration = { ...this.configuration, sites: entry.sites };
        this.#leave(entry.sites);
        break;
      case 'registered':
        this.registered.set(entry.site, { key: entry.key, slices: entry.slices, cases: entry.cases });
        this.behind.delete(entry.site);
        this.open?.review(entry.site);
        break;
      case 'published':
        this.open = new OpenRound(entry.round, entry.chosen, { taken: this.#accepted, behind: this.behind });
        this.gathers = false;
        break;
      case 'accepted':
        this.behind.delete(entry.site);
        this.open?.accept(entry.site, { blob: entry.blob, norm: entry.norm });
        this.#accepted.set(entry.site, entry.round);
        break;
      case 'refused':
      case 'failed':
        if (entry.kind === 'failed' && entry.behind) this.behind.add(entry.site);
        this.open?.exclude(entry.site, entry.reason);
        break;
      case 'closed':
        if (this.open) this.open.weights = entry.weights;
        break;
      case 'stalled':
        // A site that was out may try again when the run is resumed.
        this.open?.reopen();
        break;
      case 'aggregated':
        this.round = entry.round;
        for (const site of Object.keys(this.open?.weights ?? {}))
          this.norms.push(this.open?.accepted.get(site)?.norm ?? 0);
        this.#take(entry.state);
        if (entry.state.correction) this.corrections.push({ round: entry.round, blob: entry.state.correction });
        this.open = undefined;
        break;
    }
  }

  /** Sites that are not named are out of the round under way and of those that follow. */
  #leave(sites: readonly string[]): void {
    const stay = new Set(sites);
    for (const site of this.registered.keys()) {
      if (stay.has(site)) continue;
      this.registered.delete(site);
      this.behind.delete(site);
      this.open?.revoke(site);
    }
  }

  #take(state: StateRecord): void {
    this.state = state;
    if (!this.scale) this.scale = state.norm;
  }

  /** Whether something that the site said about the round is recorded. */
  heard(round: number, site: string): boolean {
    return this.#heard.has(`${round} ${site}`);
  }

  /** The last round in which an update of the site was accepted; 0: none. */
  acceptedRound(site: string): number {
    return this.#accepted.get(site) ?? 0;
  }

  /** Blobs that are still needed. */
  get blobs(): Set<string> {
    const { payload, memory, fresh } = this.state ?? {};
    const states = [payload, memory, fresh].filter((blob) => blob !== undefined);
    const updates = [...(this.open?.accepted.values() ?? [])].map(({ blob }) => blob);
    return new Set([...states, ...updates, ...this.corrections.map(({ blob }) => blob)].map(({ hash }) => hash));
  }
}
