/**
 * The coordinator: a state machine that asks sites for updates, takes those that come, and makes of them the next global
 * state. It stands wherever its ledger says (`book.ts`): every decision is recorded before anything follows from it, and
 * what follows is computed from what is recorded, so it may be killed at any moment.
 */
import { join } from 'node:path';
import { type Change, changesBetween, type GraftError, tellChanges } from '../core/index.js';
import { disposeState, fingerprint, pick, type State } from '../nn/index.js';
import { aggregations, type Correction } from './aggregation/index.js';
import { Blobs } from './blobs.js';
import { Book, federationId, type OpenRound } from './book.js';
import { type Clock, systemClock } from './clock.js';
import { type Computation, Interrupted, inProcess, type Setup } from './computation/index.js';
import { checkFederation, type Federation } from './config.js';
import { stateOf, withCorrections } from './corrections.js';
import { federateError } from './errors.js';
import type { CoordinatorEvent } from './events.js';
import { GlobalState, type Label, ownFolder } from './global.js';
import { type Entry, Ledger } from './ledger.js';
import { Publisher } from './publisher.js';
import { judge } from './reception.js';
import { outliers, sample, sharesOf } from './shares.js';
import { pump, Queue, scoped } from './streams.js';
import type { Metrics } from './trainer.js';
import type { Transport } from './transport.js';
import { decodePayload, wireFormats } from './wire/index.js';

export interface CoordinatorOptions {
  /** Holds `ledger.jsonl` and `blobs/`; what an earlier process recorded there is gone on from. */
  folder: string;
  config: Federation;
  /** Name of the training plan, which payloads carry. */
  plan: string;
  /** Fingerprint of the frozen network. */
  base: string;
  /** What travels, at its initial values, float32; copied. */
  initial: State;
  /** The sites that may take part. */
  sites: readonly string[];
  transport: Transport;
  clock?: Clock;
  /** Where updates are judged and aggregated: `inProcess`, the default, or `inWorker`, where the event loop must answer meanwhile. */
  computation?: ((setup: Setup) => Computation) | undefined;
  /** Whether a federation in the folder may go on for more rounds and with further sites; otherwise any change is refused. */
  extend?: boolean | undefined;
  /**
   * Scores the global state after every round; the numbers are recorded.
   * @param corrections what the round adds to frozen weights, before the wire rounds it
   */
  evaluate?: ((global: State, round: number, corrections: readonly Correction[]) => Promise<Metrics>) | undefined;
}

type Heard = { site: string; state: Uint8Array };
type Item = Heard | { deadline: number };

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
  readonly #inbox = new Queue<Item>();
  /** Of this federation: sites keep it beside their state. */
  readonly #id: string;

  /**
   * Begins a federation or goes on with the one in the folder.
   *
   * @throws GraftError AGGREGATION_UNSUITED, FEDERATION_EMPTY, FEDERATION_CHANGED, LEDGER_DAMAGED, BLOB_DAMAGED
   */
  constructor(options: CoordinatorOptions) {
    const { folder, config, plan, base, initial, sites, transport, extend = false } = options;
    const { clock = systemClock, computation = inProcess } = options;
    checkFederation(config);
    this.#options = options;
    this.#label = { base, plan, config };
    const strategy = aggregations[config.aggregation];
    this.#clock = clock;
    const shared = pick(initial, (name) => !strategy.personal(name));
    if (![1, 2].every((round) => [...shared.keys()].some((name) => strategy.trains(name, round))))
      throw federateError('FEDERATION_EMPTY', { plan, aggregation: config.aggregation });

    const start = { ...config, plan, base, initial: fingerprint(initial), sites: [...sites].sort() };
    const configuration = JSON.parse(JSON.stringify(start)) as Record<string, unknown>;
    this.#ledger = new Ledger(join(folder, 'ledger.jsonl'));
    this.#blobs = new Blobs(join(folder, 'blobs'));
    for (const entry of this.#ledger.entries) this.#book.apply(entry);
    // Sites keep it beside their state: it stays when the federation goes on under another configuration.
    this.#id = federationId(this.#book.origin ?? configuration);
    this.#computation = computation({ folder: join(folder, 'blobs'), label: this.#label });
    this.#publisher = new Publisher(transport, this.#label, this.#id, this.#book, this.#blobs);
    if (this.#book.configuration) {
      const changes = changesBetween(this.#book.configuration, configuration);
      const refused = extend ? changes.filter((one) => !adds(one)) : changes;
      if (refused.length > 0) {
        this.#ledger[Symbol.dispose]();
        const changed = tellChanges(refused, 'the ledger');
        throw federateError('FEDERATION_CHANGED', { folder, changed });
      }
      const { payload, memory } = this.#book.state!;
      for (const blob of [payload, memory]) this.#blobs.check(blob);
      if (changes.length > 0) {
        const known = this.#book.configuration.sites as string[];
        this.#record({ kind: 'extended', configuration, joined: start.sites.filter((site) => !known.includes(site)) });
      }
    } else {
      const global = GlobalState.begin(this.#label, shared);
      this.#record({ kind: 'opened', configuration, state: global.keep(this.#blobs, 0) });
      global.dispose();
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
    pump(transport.presence(signal), (heard) => this.#inbox.push(heard), this.#inbox);
    if (this.#book.gathers && !(yield* this.#gather(signal))) return;
    while (this.#book.round < config.rounds) {
      const open = this.#openRound();
      if (!open.weights) {
        await this.#publisher.round(open);
        yield { kind: 'round', round: open.round, rounds: config.rounds, sites: [...open.chosen] };
        if (!(yield* this.#collect(open, signal))) return;
        yield* this.#decide(open);
      }
      yield await this.#aggregate(open);
    }
    await this.#publisher.done();
    const state = this.#book.state!;
    const global = await this.#computation.tensors(state);
    yield { kind: 'finished', rounds: config.rounds, fingerprint: state.fingerprint, global };
  }

  /** Hands over what earlier rounds added to frozen weights, for a network that was just loaded. */
  correct(use: (round: number, corrections: readonly Correction[]) => void): void {
    const { wire, compression } = this.#label.config;
    for (const { round, blob } of this.#book.corrections) {
      const options = { limit: blob.length, from: ownFolder };
      const { coded } = decodePayload(this.#blobs.get(blob), wireFormats[wire], compression, options);
      withCorrections(coded, wireFormats[wire], (corrections) => use(round, corrections));
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

  /** Puts a mark into the inbox when the time is over. */
  #startDeadline(round: number, signal: AbortSignal): void {
    const { deadline } = this.#options.config;
    if (deadline === null) return;
    this.#clock.after(deadline, signal).then(
      () => this.#inbox.push({ deadline: round }),
      () => {}, // the run ended first
    );
  }

  /** Waits until every site registered or was rejected, or for the deadline. */
  async *#gather(signal: AbortSignal): AsyncGenerator<CoordinatorEvent, boolean> {
    const { sites, config } = this.#options;
    const rejected = new Map<string, string>();
    this.#startDeadline(0, signal);
    while (sites.some((site) => !this.#book.registered.has(site) && !rejected.has(site))) {
      const item = await this.#inbox.next();
      if (!item) return false;
      if ('deadline' in item) break;
      for await (const event of this.#hear(item)) {
        if (event.kind === 'rejected') rejected.set(event.site, event.reason);
        yield event;
      }
    }
    const found = this.#book.registered.size;
    if (found >= Math.max(1, config.minSites)) return true;
    const absent = sites.filter((site) => !this.#book.registered.has(site));
    throw this.#tooFew(1, found, new Map(absent.map((site) => [site, rejected.get(site) ?? 'not heard of'])));
  }

  #tooFew(round: number, found: number, reasons: ReadonlyMap<string, string>): GraftError {
    const { minSites } = this.#options.config;
    const text =
      [...reasons].map(([site, reason]) => `${site}: ${reason.replace(/\.$/, '')}`).join('; ') || 'no more are there';
    return federateError('TOO_FEW_SITES', { round, found, minimum: Math.max(1, minSites), reasons: text });
  }

  /** The round under way, or a new one. */
  #openRound(): OpenRound {
    if (!this.#book.open) {
      const round = this.#book.round + 1;
      const chosen = sample([...this.#book.registered.keys()], round, this.#options.config);
      this.#record({ kind: 'published', round, chosen });
    }
    return this.#book.open!;
  }

  /** Takes what sites say until all were heard or the time is over. */
  async *#collect(open: OpenRound, signal: AbortSignal): AsyncGenerator<CoordinatorEvent, boolean> {
    this.#startDeadline(open.round, signal);
    while (open.missing.length > 0) {
      const item = await this.#inbox.next();
      if (!item) return false;
      if ('deadline' in item) {
        if (item.deadline === open.round) break;
      } else yield* this.#hear(item);
    }
    return true;
  }

  /** Takes in what one site said: records it, and tells it. */
  async *#hear({ site, state }: Heard): AsyncGenerator<CoordinatorEvent> {
    const entry = await judge(state, site, {
      book: this.#book,
      federation: this.#id,
      base: this.#label.base,
      sites: this.#options.sites,
      transport: this.#options.transport,
      computation: this.#computation,
    });
    if (!entry) return;
    this.#record(entry);
    yield entry;
  }

  /** Decides whose updates make the next state, and records it. */
  *#decide(open: OpenRound): Generator<CoordinatorEvent> {
    const { maxNormRatio, minSites, weights: rule } = this.#options.config;
    const { round } = open;
    const norms = new Map([...open.accepted].map(([site, { norm }]) => [site, norm]));
    for (const site of maxNormRatio === null ? [] : outliers(norms, maxNormRatio)) {
      const reason = `its norm is ${norms.get(site)!.toPrecision(3)}, more than ${maxNormRatio} times the median`;
      const entry: CoordinatorEvent = { kind: 'refused', round, site, reason, down: 0, up: 0 };
      this.#record(entry);
      yield entry;
    }
    const { missing } = open;
    for (const site of missing) yield { kind: 'missing', round, site };
    const found = open.accepted.size;
    if (found < Math.max(1, minSites)) {
      const reasons = new Map([...open.out, ...missing.map((site) => [site, 'no answer in time'] as const)]);
      this.#record({ kind: 'stalled', round, found, minimum: minSites });
      throw this.#tooFew(round, found, reasons);
    }
    const weights = sharesOf([...open.accepted.keys()], this.#book.registered, rule);
    this.#record({ kind: 'closed', round, weights, missing });
  }

  /** Makes the next global state of the updates that were decided on. */
  async #aggregate({ round, weights, accepted, down, up }: OpenRound): Promise<CoordinatorEvent> {
    const { config, evaluate } = this.#options;
    const updates = Object.entries(weights!).map(([site, weight]) => ({
      ...{ site, weight },
      blob: accepted.get(site)!.blob,
    }));
    const made = await this.#computation.aggregate({ state: this.#book.state!, round, updates });
    const { state, error, corrections } = made;
    const global = await this.#computation.tensors(state);
    const metrics = (await evaluate?.(global, round, corrections)) ?? {};
    this.#record({ kind: 'aggregated', round, error, metrics, state });
    disposeState(stateOf(corrections));
    this.#blobs.keepOnly(this.#book.blobs);
    return {
      ...{ kind: 'aggregated', round, rounds: config.rounds, weights: weights!, error, metrics, down, up },
      ...{ fingerprint: state.fingerprint, global },
    };
  }
}

/** Whether a change asks for more of the same: further rounds, sites beside those that there are, a weight for a new one. */
function adds({ key, before, now }: Change): boolean {
  if (key === 'rounds') return Number(now) > Number(before);
  if (key === 'sites') return (before as string[]).every((site) => (now as string[]).includes(site));
  return key.startsWith('weights.') && before === undefined;
}
