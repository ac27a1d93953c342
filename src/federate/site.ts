/**
 * A site: a state machine that waits for the coordinator's tasks, says who it is, trains when it is chosen, and keeps what it
 * has to say on its disk before it says it. Killed while it trains, it trains the round again to the same bits; killed
 * later, it says the same again.
 */
import type { KeyObject } from 'node:crypto';
import { forward, GraftError, shownText } from '../core/index.js';
import { disposeState, pick } from '../nn/index.js';
import { aggregations } from './aggregation/index.js';
import { hashOf } from './blobs.js';
import { Downloads } from './downloads.js';
import { federateError } from './errors.js';
import type { SiteEvent } from './events.js';
import { forget, type Remembered, recall, remember } from './memory.js';
import { type BlobReference, type DoneTask, metricsOf, type RoundTask, type SiteState } from './messages.js';
import { Proximal } from './proximal.js';
import { checkKey, keyName, SigningKey } from './signing.js';
import type { Store } from './store.js';
import { newest, scoped, Turns } from './streams.js';
import { type Assignment, type Call, callsOf, taskIn } from './tasks.js';
import type { LocalTrainer } from './trainer.js';
import type { Transport } from './transport.js';
import { packUpdate } from './update.js';

export interface SiteOptions<Progress> {
  name: string;
  trainer: LocalTrainer<Progress>;
  transport: Transport;
  /** Public key of the coordinator, DER in base64; the site ignores tasks that this key has not signed. */
  coordinator: string;
  /** The site's own: its key and its memory. */
  store: Store;
  /** Private Ed25519 key of the site; default: one that is made and kept in the store. */
  key?: KeyObject | undefined;
  /** What the site agreed to: a task of other settings is not trained, and no such result is taken. Default: any. */
  agreed?: Agreed | undefined;
  /** Throws a `GraftError` where the site does not take part in a round; its message is told to the coordinator. */
  allow?: ((task: { round: number; rounds: number }) => void) | undefined;
  /** What the coordinator is told of an error, which may name files; default: its message. */
  excuse?: ((error: Error) => string) | undefined;
  /** Names of the trainer's metrics that may be told; default: all. */
  metrics?: readonly string[] | undefined;
  /** Rounds that are over, the last of them, where the site has what they led to: it waits for a further one. */
  over?: Ended | undefined;
  /** Sites that share a network take turns. */
  turns?: Turns;
}

/** Settings of a federation that its tasks repeat. */
export type Agreed = Pick<RoundTask, 'plan' | 'aggregation' | 'wire' | 'compression' | 'mu'>;

/** The end of a federation's rounds. */
export interface Ended {
  federation: string;
  /** The last one. */
  round: number;
}

/**
 * A site's part of a federation: it says that it is there, trains when it is chosen, and sends its update, which it keeps on
 * its disk first. Killed at any moment, it goes on from its store.
 */
export class FederatedSite<Progress = unknown> {
  readonly name: string;
  readonly #coordinator: string;
  readonly #trainer: LocalTrainer<Progress>;
  readonly #transport: Transport;
  readonly #store: Store;
  readonly #turns: Turns;
  readonly #allow: NonNullable<SiteOptions<Progress>['allow']>;
  readonly #excuse: (error: Error) => string;
  readonly #agreed: Partial<Agreed>;
  #over: Ended | undefined;
  /** The last end whose result it has from an earlier process. */
  readonly #had: Ended | undefined;
  readonly #tells: (name: string) => boolean;
  readonly #signing: SigningKey;
  readonly #downloads: Downloads;
  /** The coordinator's session in which the site registered. */
  #introduced: string | undefined;
  /** The coordinator's last task, in its envelope. */
  #done: Uint8Array | undefined;

  /** @throws GraftError KEY_INVALID, KEY_DAMAGED, SECRET_EXPOSED */
  constructor(options: SiteOptions<Progress>) {
    const { name, trainer, transport, coordinator, store, turns = new Turns(), allow = () => {}, metrics } = options;
    const { excuse = ({ message }) => message } = options;
    checkKey(coordinator, 'the coordinator');
    this.name = name;
    this.#coordinator = coordinator;
    this.#trainer = trainer;
    this.#transport = transport;
    this.#store = store;
    this.#turns = turns;
    this.#allow = allow;
    this.#excuse = excuse;
    this.#agreed = options.agreed ?? {};
    this.#over = options.over;
    this.#had = options.over;
    this.#tells = (metric) => !metrics || metrics.includes(metric);
    this.#signing = new SigningKey(store, options.key);
    this.#downloads = new Downloads(name, trainer, transport);
  }

  /** DER in base64, for the coordinator's `sites`. */
  get publicKey(): string {
    return this.#signing.publicKey;
  }

  /**
   * Takes part until the coordinator says that it is done, or the signal is aborted.
   *
   * @throws GraftError SITE_NAME_TAKEN, SITE_OTHER_FEDERATION, SITE_BEHIND, SITE_AHEAD where the rounds are said to be over
   * that the site has gone beyond, WRITE_FAILED, MESSAGE_INVALID
   */
  async *run(signal: AbortSignal): AsyncGenerator<SiteEvent<Progress>> {
    const { name: site, publicKey: key } = this;
    using end = scoped(signal);
    const calls = callsOf(this.#transport.watchTasks(end.signal), { site, coordinator: this.#coordinator });
    for await (const { value: call, superseded } of newest(calls, asksForSame)) {
      if (call.kind === 'ignored') {
        yield { ...call, site };
        continue;
      }
      const round = call.kind === 'open' ? undefined : call.round;
      const { kind: task, federation, hash, length: bytes } = call;
      yield {
        kind: 'asked',
        site,
        task,
        federation,
        ...(round && { round }),
        ...(call.kind === 'round' && { rounds: call.rounds }),
        hash,
        bytes,
      };
      // A coordinator that was started once more says it again, in another message.
      if (call.kind === 'done' && call.round === this.#over?.round && federation === this.#over.federation) {
        yield { kind: 'over', site, round: call.round };
        continue;
      }
      if (call.kind === 'done') {
        this.#checkEnd(call);
        this.#done = call.bytes;
        return;
      }
      if (call.kind === 'round' && call.known !== undefined) {
        if (call.known !== keyName(key)) throw federateError('SITE_NAME_TAKEN', { site });
        this.#over = undefined;
        yield* this.#answer(call, superseded);
      } else if (this.#introduced !== call.session) {
        if (call.kind === 'round' && call.last > 0) checkMemory(site, this.#known(call.federation), call.last);
        const { base, slices, cases } = this.#trainer;
        const { federation, session } = call;
        yield* this.#send({ kind: 'present', site, federation, session, key, base, slices, cases });
        this.#introduced = session;
      }
    }
  }

  /**
   * Puts the last global state, with what is the site's own, into the trainer, after `run` ended because the rounds are over.
   *
   * @returns the last round, and the sites that took part
   * @throws GraftError SITE_UNFINISHED, SITE_OTHER_FEDERATION, TASK_OTHER, BLOB_MISSING, BLOB_TOO_LARGE, PAYLOAD_INVALID
   */
  async loadResult(): Promise<{ round: number; sites: string[] }> {
    if (!this.#done) throw federateError('SITE_UNFINISHED', { site: this.name });
    const task = taskIn(this.#done, this.#coordinator) as DoneTask;
    this.#checkAgreed(task);
    using _turn = await this.#turns.take();
    const own = recall(this.#store, this.name, task.federation);
    const global = await this.#downloads.global(task, undefined);
    try {
      await this.#downloads.correct(task, task.round);
      this.#trainer.load(new Map([...global, ...(own?.personal ?? [])]), own?.local);
    } finally {
      disposeState(global);
      if (own) forget(own);
    }
    return { round: task.round, sites: task.sites };
  }

  /** Settings that the task repeats must be those that were agreed to. @throws GraftError TASK_OTHER */
  #checkAgreed(task: Partial<Agreed>): void {
    for (const [setting, expected] of Object.entries(this.#agreed)) {
      const found = task[setting as keyof Agreed];
      if (found !== undefined && found !== expected)
        throw federateError('TASK_OTHER', { site: this.name, setting, found, expected });
    }
  }

  /** An end of before, said once more, must not take the place of what came after it. @throws GraftError SITE_AHEAD, SITE_OTHER_FEDERATION */
  #checkEnd({ federation, round }: Ended): void {
    const had = this.#had?.federation === federation ? this.#had.round : 0;
    const known = Math.max(had, this.#known(federation));
    if (known > round) throw federateError('SITE_AHEAD', { site: this.name, round, known });
  }

  /** The last round that it trained; 0: none. @throws GraftError SITE_OTHER_FEDERATION */
  #known(federation: string): number {
    const own = recall(this.#store, this.name, federation);
    if (own) forget(own);
    return own?.round ?? 0;
  }

  /** Tells what is to leave, then sends it. */
  async *#send(state: SiteState, payload?: Uint8Array): AsyncGenerator<SiteEvent<Progress>> {
    const message = this.#signing.seal('site', state);
    const bytes = message.length + (payload?.length ?? 0);
    const said = state.kind === 'update' ? { update: state.blob.hash, metrics: state.metrics, down: state.down } : {};
    yield {
      ...{ kind: 'sends', site: this.name, what: state.kind, hash: hashOf([message]), ...said, bytes },
      ...(state.kind !== 'present' && { round: state.round }),
      ...(state.kind === 'failed' && { reason: state.reason }),
    };
    if (payload && state.kind === 'update') await this.#transport.putBlob(payload, state.round);
    await this.#transport.updateState(this.name, message);
  }

  /** Trains, unless the round was trained before, and sends the update. */
  async *#answer(task: Assignment, superseded: AbortSignal): AsyncGenerator<SiteEvent<Progress>> {
    const { name: site } = this;
    const { round, federation, session } = task;
    using _turn = await this.#turns.take();
    if (superseded.aborted) return;
    this.#downloads.bytes = task.length;
    const before = recall(this.#store, site, federation);
    try {
      this.#checkAgreed(task);
      this.#allow(task);
      if (before && before.round > round) throw federateError('SITE_AHEAD', { site, round, known: before.round });
      checkMemory(site, before?.round ?? 0, task.last);
      const update = before?.round === round ? before.update : yield* this.#train(task, before, superseded);
      if (!update) return;
      yield* this.#send({ ...update.said, session }, update.payload);
    } catch (error) {
      if (superseded.aborted) return;
      // With another folder, or with room on the disk, it answers the same round.
      if (error instanceof GraftError && /^(SITE_OTHER_FEDERATION|WRITE_FAILED)$/.test(error.code)) throw error;
      const reason = shownText(this.#excuse(error as Error));
      const behind = error instanceof GraftError && error.code === 'SITE_BEHIND';
      const failure = { federation, session, round, reason, down: this.#downloads.bytes, ...(behind && { behind }) };
      yield* this.#send({ kind: 'failed', site, ...failure });
      if (behind) throw error;
    } finally {
      if (before) forget(before);
    }
  }

  /** One round of training, remembered before it is sent; undefined where a newer task overtook it. */
  async *#train(
    task: Assignment,
    before: Remembered | undefined,
    superseded: AbortSignal,
  ): AsyncGenerator<SiteEvent<Progress>, Remembered['update'] | undefined> {
    const { name: site } = this;
    const { round, rounds, mu, federation } = task;
    const trainer = this.#trainer;
    const strategy = aggregations[task.aggregation];
    const trains = (name: string) => strategy.trains(name, round);
    const global = await this.#downloads.global(task, before);
    try {
      await this.#downloads.correct(task, before?.round ?? 0);
      trainer.load(new Map([...global, ...(before?.personal ?? [])]), before?.local);
      using proximal = mu > 0 ? new Proximal(mu, pick(trainer.travelling(), trains)) : undefined;
      const training = trainer.train({ round, rounds, trains, proximal }, superseded);
      const measured = yield* forward(training, (progress) => [{ kind: 'progress', site, round, progress } as const]);
      const metrics = metricsOf(Object.fromEntries(Object.entries(measured).filter(([name]) => this.#tells(name))));
      if (superseded.aborted) return undefined;

      const travelling = trainer.travelling();
      const sent = pick(travelling, (name) => trains(name) && !strategy.personal(name));
      const { payload, residue } = packUpdate(task, site, sent, global, before?.residue ?? new Map());
      const blob: BlobReference = { hash: hashOf([payload.bytes]), length: payload.length };
      const said = { kind: 'update', site, federation, round, blob, metrics, down: this.#downloads.bytes } as const;
      const update = { payload: payload.bytes, said };
      remember(this.#store, federation, {
        round,
        local: trainer.localState(),
        personal: pick(travelling, strategy.personal),
        residue: new Map([...(before?.residue ?? []), ...residue]), // with that of tensors that rested in this round
        received: [...global.keys()].every(trains) ? new Map() : global,
        update,
      });
      disposeState(residue);
      yield { kind: 'trained', site, round, metrics };
      return update;
    } finally {
      disposeState(global);
    }
  }
}

/** A coordinator that was started again asks for the round that is being trained: that training is not lost. */
const asksForSame = (before: Call, now: Call): boolean =>
  before.kind === 'round' && now.kind === 'round' && before.round === now.round && before.known === now.known;

/** A site keeps an update before it sends it, so it remembers the last one that was taken. @throws GraftError SITE_BEHIND */
function checkMemory(site: string, round: number, taken: number): void {
  if (round < taken)
    throw federateError('SITE_BEHIND', { site, known: round === 0 ? 'no round' : `rounds up to ${round}`, taken });
}
