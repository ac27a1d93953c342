/**
 * The coordinator: a state machine that asks sites for updates, takes those that come, and makes of them the next global
 * state. It stands wherever its ledger says (`book.ts`): every decision is recorded before anything follows from it, and
 * what follows is computed from what is recorded, so it may be killed at any moment.
 */
import { type KeyObject, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pick, type State } from '../nn/index.js';
import { aggregations, type Correction } from './aggregation/index.js';
import { Blobs } from './blobs.js';
import { Book, type OpenRound } from './book.js';
import { type Clock, systemClock } from './clock.js';
import { type Closing, closeRound, type Evaluate } from './closing.js';
import { type Computation, Interrupted, inProcess, type Setup } from './computation/index.js';
import { checkFederation, type Federation } from './config.js';
import { withCorrections } from './corrections.js';
import { tooFew } from './decision.js';
import type { Entry } from './entries.js';
import { federateError } from './errors.js';
import type { CoordinatorEvent } from './events.js';
import { Gate } from './gate.js';
import { type Label, ownFolder } from './global.js';
import { Inbox, type News } from './inbox.js';
import { Ledger } from './ledger.js';
import { checkKeys, expectedSites, open } from './opening.js';
import { Publisher } from './publisher.js';
import { sample } from './shares.js';
import { SigningKey } from './signing.js';
import { folderStore } from './store.js';
import { scoped } from './streams.js';
import type { Transport } from './transport.js';
import { payloadLimit } from './update.js';
import { decodePayload, wireFormats } from './wire/index.js';

export interface CoordinatorOptions {
  /** Holds `ledger.jsonl`, `key.pem` and `blobs/`; the coordinator continues from what an earlier process recorded there. */
  folder: string;
  config: Federation;
  /** Name of the training plan, which payloads carry. */
  plan: string;
  /** Fingerprint of the frozen network. */
  base: string;
  /** What travels, at its initial values, float32; copied. */
  initial: State;
  /**
   * The sites that may take part, each with its public key. Names alone are for simulations on one machine: the
   * first key that arrives under a name is then taken for that site's.
   */
  sites: readonly string[] | Readonly<Record<string, string>>;
  transport: Transport;
  /** Private Ed25519 key of the coordinator; default: one that is made and kept in the folder. */
  key?: KeyObject | undefined;
  clock?: Clock;
  /** Where updates are judged and aggregated: `inProcess`, the default, or `inWorker`, where the event loop must answer meanwhile. */
  computation?: ((setup: Setup) => Computation) | undefined;
  /**
   * Whether a federation in the folder may go on for more rounds and with further sites; otherwise any change is refused.
   * Where keys of the sites are given, sites may also be gone, and further ones are not waited for.
   */
  extend?: boolean | undefined;
  /** Called after every round. */
  evaluate?: Evaluate | undefined;
}

/**
 * Asks sites for updates, takes those that come, and makes of them the next global state, round after round. It records
 * every decision before it acts on it: killed at any moment, it goes on from its folder.
 */
export class Coordinator implements Disposable {
  readonly #options: CoordinatorOptions;
  readonly #label: Label;
  readonly #computation: Computation;
  readonly #ledger: Ledger;
  readonly #book = new Book();
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  readonly #publisher: Publisher;
  readonly #inbox: Inbox;
  readonly #closing: Closing;
  /** Names of the sites that may take part. */
  #sites: readonly string[];
  readonly #gate: Gate;
  /** The key that sites know the coordinator by, DER in base64. */
  readonly publicKey: string;

  /**
   * Begins a federation or goes on with the one in the folder.
   *
   * @throws GraftError AGGREGATION_UNSUITED, FEDERATION_EMPTY, FEDERATION_CHANGED, LEDGER_DAMAGED, BLOB_DAMAGED,
   * SITE_NAME_INVALID, KEY_INVALID, KEY_OTHER, KEY_DAMAGED, SECRET_EXPOSED
   */
  constructor(options: CoordinatorOptions) {
    const { folder, config, plan, base, initial, transport } = options;
    const { clock = systemClock, computation = inProcess } = options;
    checkFederation(config);
    const sites = expectedSites(options.sites);
    this.#options = options;
    this.#label = { base, plan, config };
    this.#sites = [...sites.keys()];
    this.#clock = clock;
    const strategy = aggregations[config.aggregation];
    const shared = pick(initial, (name) => !strategy.personal(name));
    if (![1, 2].every((round) => [...shared.keys()].some((name) => strategy.trains(name, round))))
      throw federateError('FEDERATION_EMPTY', { plan, aggregation: config.aggregation });

    this.#ledger = new Ledger(join(folder, 'ledger.jsonl'));
    try {
      this.#blobs = new Blobs(join(folder, 'blobs'));
      for (const entry of this.#ledger.entries) this.#book.apply(entry);
      const identity = new SigningKey(folderStore(folder), options.key);
      this.publicKey = identity.publicKey;
      checkKeys(folder, this.#book, identity.publicKey, sites);
      const record = (entry: Entry) => this.#record(entry);
      const { extend = false } = options;
      const start = { initial, shared, sites: this.#sites, key: identity.publicKey };
      const rights = { folder, extend, leave: extend && !Array.isArray(options.sites) };
      open(start, this.#label, rights, { book: this.#book, blobs: this.#blobs, record });
      this.#computation = computation({ folder: join(folder, 'blobs'), label: this.#label });
      const [book, blobs] = [this.#book, this.#blobs];
      const place = { federation: book.federation!, session: randomBytes(16).toString('hex') };
      this.#publisher = new Publisher(transport, this.#label, identity, place, book, blobs);
      const bench = { book, base, transport, computation: this.#computation };
      this.#closing = { config, book, blobs, computation: this.#computation, record, evaluate: options.evaluate };
      const limit = payloadLimit(shared.values());
      this.#gate = new Gate(sites, place, book);
      this.#inbox = new Inbox(this.#gate, { ...bench, limit, introduced: new Set() }, clock);
    } catch (error) {
      this.#ledger[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Runs the rounds that are left. Ends early, without `finished`, when the signal is aborted.
   *
   * @throws GraftError TOO_FEW_SITES, after which the run can be resumed; WEIGHTS_INVALID
   */
  async *run(signal: AbortSignal): AsyncGenerator<CoordinatorEvent> {
    const interrupt = () => this.#computation.interrupt();
    signal.addEventListener('abort', interrupt, { once: true });
    using end = scoped(signal);
    try {
      yield* this.#rounds(end.signal);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
  }

  async *#rounds(signal: AbortSignal): AsyncGenerator<CoordinatorEvent> {
    const { transport, config } = this.#options;
    this.#inbox.listen(transport, signal);
    if (this.#book.gathers && !(yield* this.#gather(signal))) return;
    while (this.#book.round < config.rounds) {
      const open = this.#openRound();
      if (!open.weights) {
        await this.#publisher.round(open);
        yield { kind: 'round', round: open.round, rounds: config.rounds, sites: [...open.chosen] };
        if (!(yield* this.#collect(open, signal))) return;
        yield* this.#count(open.round);
      }
      yield* closeRound(open, this.#closing);
    }
    await this.#publisher.done();
    const state = this.#book.state!;
    const global = await this.#computation.tensors(state);
    yield { kind: 'finished', rounds: config.rounds, fingerprint: state.fingerprint, global };
  }

  /**
   * Changes who may take part, from now on and also in the round under way: nothing of a site that is gone counts in it.
   * Further sites take part from the next round on.
   *
   * @param sites with their public keys @throws GraftError SITE_NAME_INVALID, KEY_INVALID, KEY_OTHER
   */
  admit(sites: Readonly<Record<string, string>>): void {
    const expected = expectedSites(sites);
    checkKeys(this.#options.folder, this.#book, this.publicKey, expected);
    this.#inbox.change(expected);
  }

  /** Notes that bytes of a site are moving: a deadline counts from the last byte of those that are waited for. */
  moved(site: string): void {
    if (this.#book.open?.missing.has(site)) this.#inbox.moved();
  }

  /** Sites that no round asks until they come back with a newer folder, or under another name. */
  get leftOut(): string[] {
    return [...this.#book.behind];
  }

  /** Sites without whose updates there is no next state. */
  get #least(): number {
    return Math.max(1, this.#options.config.minSites);
  }

  /** Hands over what earlier rounds added to frozen weights, for a network that was just loaded. */
  correct(use: (round: number, corrections: readonly Correction[]) => void): void {
    const { wire, compression } = this.#label.config;
    for (const { round, blob } of this.#book.corrections) {
      const options = { limit: blob.length, from: ownFolder };
      const { coded } = decodePayload(this.#blobs.get(blob), wireFormats[wire], compression, options);
      withCorrections(coded, wireFormats[wire], this.#options.initial, (corrections) => use(round, corrections));
    }
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
    this.#computation[Symbol.dispose]();
  }

  #record(entry: Entry): void {
    this.#ledger.append({ at: this.#clock.now().toISOString(), ...entry });
    this.#book.apply(entry);
  }

  /** Waits until every site registered or was rejected, or for the deadline. */
  async *#gather(signal: AbortSignal): AsyncGenerator<CoordinatorEvent, boolean> {
    const { deadline } = this.#options.config;
    const { registered, round } = this.#book;
    const answered = new Set<string>();
    const reasons = new Map<string, string>();
    await this.#publisher.open();
    this.#inbox.startDeadline(0, deadline, signal);
    const expected = () => new Set(this.#sites.filter((site) => !registered.has(site) && !answered.has(site)));
    let waited = expected();
    while (waited.size > 0) {
      const news = await this.#inbox.next();
      if (!news) return false;
      if ('deadline' in news) break;
      if ('members' in news) {
        this.#change(news.members);
        waited = expected();
        continue;
      }
      const { entry, by, rejected } = news;
      if (entry?.kind === 'dropped') reasons.set(entry.site, entry.reason);
      if (by !== undefined && rejected !== undefined) {
        answered.add(by);
        reasons.set(by, rejected);
      }
      yield* this.#take(news);
      if (by !== undefined && (registered.has(by) || answered.has(by))) waited.delete(by);
    }
    yield* this.#count(round);
    if (registered.size >= this.#least) return true;
    const absent = this.#sites.filter((site) => !registered.has(site));
    const told = new Map(absent.map((site) => [site, reasons.get(site) ?? 'not heard of'] as const));
    throw tooFew(1, registered.size, this.#least, told);
  }

  /** The round under way, or a new one; also in place of one that too few sites are left in. */
  #openRound(): OpenRound {
    const { open, registered, behind } = this.#book;
    const ready = [...registered.keys()].filter((site) => !behind.has(site));
    if (!open || (open.chosen.size < this.#least && ready.length > open.chosen.size)) {
      const round = this.#book.round + 1;
      const chosen = sample(ready, round, this.#options.config);
      this.#record({ kind: 'published', round, chosen });
    }
    return this.#book.open!;
  }

  /** Takes what sites say until all were heard or the time is over. */
  async *#collect(open: OpenRound, signal: AbortSignal): AsyncGenerator<CoordinatorEvent, boolean> {
    this.#inbox.startDeadline(open.round, this.#options.config.deadline, signal);
    // Sites that are left out are waited for only where it cannot be done without them.
    while (open.missing.size > 0 || (open.accepted.size < this.#least && this.leftOut.length > 0)) {
      const news = await this.#inbox.next();
      if (!news) return false;
      if ('members' in news) this.#change(news.members);
      else if ('deadline' in news) {
        if (news.deadline === open.round) break;
      } else yield* this.#take(news);
    }
    return true;
  }

  #change(members: ReadonlyMap<string, string | undefined>): void {
    this.#sites = [...members.keys()];
    this.#gate.change(members);
    this.#record({ kind: 'members', sites: [...this.#sites] });
  }

  /** Records what was heard, and tells it. */
  *#take({ entry }: News): Generator<CoordinatorEvent> {
    if (!entry) return;
    this.#record(entry);
    yield entry;
  }

  /** Records how many messages were dropped. */
  *#count(round: number): Generator<CoordinatorEvent> {
    const noise = this.#inbox.count(round);
    if (!noise) return;
    this.#record(noise);
    yield noise;
  }
}
