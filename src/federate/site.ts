/**
 * A site: a state machine that says that it is there, waits for tasks, trains when it is chosen, and keeps what it has to
 * say on its disk before it says it. Killed while it trains, it trains the round again to the same bits; killed later,
 * it says the same again.
 */
import { forward, GraftError } from '../core/index.js';
import { copyState, disposeState, pick, type State } from '../nn/index.js';
import { aggregations } from './aggregation/index.js';
import { hashOf } from './blobs.js';
import { withCorrections } from './corrections.js';
import { federateError } from './errors.js';
import type { SiteEvent } from './events.js';
import { forget, type Remembered, recall, remember } from './memory.js';
import {
  type BlobReference,
  type DoneTask,
  decodeTask,
  Identity,
  keyName,
  type RoundTask,
  type SiteState,
  type Task,
} from './messages.js';
import { Proximal } from './proximal.js';
import type { Store } from './store.js';
import { newest, scoped, Turns } from './streams.js';
import type { LocalTrainer } from './trainer.js';
import type { Transport } from './transport.js';
import { packUpdate } from './update.js';
import { type CodedState, decodePayload, receive, wireFormats } from './wire/index.js';

export interface SiteOptions<Progress> {
  name: string;
  trainer: LocalTrainer<Progress>;
  transport: Transport;
  /** The site's own: its key and its memory. */
  store: Store;
  /** Sites that share a network take turns. */
  turns?: Turns;
}

/**
 * A site's part of a federation: it says that it is there, trains when it is chosen, and sends its update, which it keeps on
 * its disk first. Killed at any moment, it goes on from its store.
 */
export class FederatedSite<Progress = unknown> {
  readonly name: string;
  readonly #trainer: LocalTrainer<Progress>;
  readonly #transport: Transport;
  readonly #store: Store;
  readonly #turns: Turns;
  readonly #identity: Identity;
  /**
   * Bytes that the round under way takes: its task and what is fetched for it, each once. What is fetched again because
   * the process was killed does not count, so that the number does not depend on how often that happened.
   */
  #down = 0;
  /** What the coordinator said at the end of the rounds. */
  #done: DoneTask | undefined;
  /** Bytes of the corrections that this process handed to the trainer, by their round. */
  readonly #corrected = new Map<number, number>();

  constructor({ name, trainer, transport, store, turns = new Turns() }: SiteOptions<Progress>) {
    this.name = name;
    this.#trainer = trainer;
    this.#transport = transport;
    this.#store = store;
    this.#turns = turns;
    this.#identity = new Identity(store);
  }

  /**
   * Takes part until the coordinator says that it is done, or the signal is aborted.
   *
   * @throws GraftError SITE_NAME_TAKEN, SITE_OTHER_FEDERATION, MESSAGE_INVALID
   */
  async *run(signal: AbortSignal): AsyncGenerator<SiteEvent<Progress>> {
    const { base, slices, cases } = this.#trainer;
    await this.#say({ kind: 'present', site: this.name, key: this.#identity.publicKey, base, slices, cases });
    using end = scoped(signal);
    for await (const { value: bytes, superseded } of newest(this.#transport.watchTasks(end.signal))) {
      const task = decodeTask(bytes);
      const known = task.sites[this.name];
      if (known && known !== keyName(this.#identity.publicKey))
        throw federateError('SITE_NAME_TAKEN', { site: this.name });
      if (task.kind === 'done') {
        this.#done = task;
        return;
      }
      if (task.chosen.includes(this.name)) yield* this.#answer(task, superseded, bytes.length);
    }
  }

  /**
   * Puts the last global state, with what is the site's own, into the trainer, after `run` ended because the rounds are over.
   *
   * @returns the last round, and the sites that took part
   * @throws GraftError SITE_UNFINISHED, SITE_OTHER_FEDERATION, BLOB_MISSING, PAYLOAD_INVALID
   */
  async loadResult(): Promise<{ round: number; sites: string[] }> {
    const task = this.#done;
    if (!task) throw federateError('SITE_UNFINISHED', { site: this.name });
    using _turn = await this.#turns.take();
    const own = recall(this.#store, this.name, task.federation);
    const { coded } = await this.#fetch(task.full, task);
    const global = receive(coded, wireFormats[task.wire]);
    try {
      await this.#correct(task, task.round);
      this.#trainer.load(new Map([...global, ...(own?.personal ?? [])]), own?.local);
    } finally {
      disposeState(global);
      if (own) forget(own);
    }
    return { round: task.round, sites: Object.keys(task.sites).sort() };
  }

  async #say(state: SiteState): Promise<void> {
    await this.#transport.updateState(this.name, this.#identity.sign(state));
  }

  /** Trains, unless the round was trained before, and sends the update. */
  async *#answer(task: RoundTask, superseded: AbortSignal, length: number): AsyncGenerator<SiteEvent<Progress>> {
    const { round, federation } = task;
    using _turn = await this.#turns.take();
    if (superseded.aborted) return;
    this.#down = length;
    const before = recall(this.#store, this.name, federation);
    try {
      if (before?.round === round) {
        await this.#sendUpdate(before.update, round);
        return;
      }
      const update = yield* this.#train(task, before, superseded);
      if (update) await this.#sendUpdate(update, round);
    } catch (error) {
      if (superseded.aborted) return;
      if (error instanceof GraftError && error.code === 'SITE_OTHER_FEDERATION') throw error;
      const failed = { kind: 'failed', reason: (error as Error).message, site: this.name, federation, round } as const;
      await this.#say({ ...failed, down: this.#down });
    } finally {
      if (before) forget(before);
    }
  }

  /** One round of training, remembered before it is sent; undefined where a newer task overtook it. */
  async *#train(
    task: RoundTask,
    before: Remembered | undefined,
    superseded: AbortSignal,
  ): AsyncGenerator<SiteEvent<Progress>, Remembered['update'] | undefined> {
    const { round, rounds, mu, federation } = task;
    const trainer = this.#trainer;
    const strategy = aggregations[task.aggregation];
    const trains = (name: string) => strategy.trains(name, round);
    const global = await this.#receive(task, before);
    try {
      await this.#correct(task, before?.round ?? 0);
      trainer.load(new Map([...global, ...(before?.personal ?? [])]), before?.local);
      using proximal = mu > 0 ? new Proximal(mu, pick(trainer.travelling(), trains)) : undefined;
      const training = trainer.train({ round, rounds, trains, proximal }, superseded);
      const metrics = yield* forward(training, (progress) => [
        { kind: 'progress', site: this.name, round, progress } as const,
      ]);
      if (superseded.aborted) return undefined;

      const travelling = trainer.travelling();
      const sent = pick(travelling, (name) => trains(name) && !strategy.personal(name));
      const { payload, residue } = packUpdate(task, this.name, sent, global, before?.residue ?? new Map());
      const blob: BlobReference = { hash: hashOf([payload.bytes]), length: payload.length };
      const finite = Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
      const said = { site: this.name, federation, round, blob, metrics: finite, down: this.#down };
      const update = { payload: payload.bytes, message: this.#identity.sign({ kind: 'update', ...said }) };
      remember(this.#store, federation, {
        round,
        local: trainer.localState(),
        personal: pick(travelling, strategy.personal),
        residue: new Map([...(before?.residue ?? []), ...residue]), // with that of tensors that rested in this round
        received: [...global.keys()].every(trains) ? new Map() : global,
        update,
      });
      disposeState(residue);
      yield { kind: 'trained', site: this.name, round, metrics: finite };
      return update;
    } finally {
      disposeState(global);
    }
  }

  async #fetch(
    { hash, length }: BlobReference,
    { wire, compression }: Task,
  ): Promise<{ coded: CodedState; bytes: number }> {
    const bytes = await this.#transport.getBlob(hash);
    const from = 'the coordinator';
    if (hashOf([bytes]) !== hash)
      throw federateError('PAYLOAD_INVALID', { from, reason: 'they were changed on their way' });
    const { coded } = decodePayload(bytes, wireFormats[wire], compression, { limit: length, from });
    return { coded, bytes: bytes.length };
  }

  /** All shared tensors: what changed since the last round and the others as remembered, or everything anew. */
  async #receive(task: RoundTask, before: Remembered | undefined): Promise<State> {
    const format = wireFormats[task.wire];
    const goesOn = before?.round === task.round - 1 && before.received.size > 0;
    const { coded, bytes } = await this.#fetch(goesOn && task.fresh ? task.fresh : task.full, task);
    this.#down += bytes;
    const fresh = receive(coded, format);
    if (!goesOn || !task.fresh) return fresh;
    return new Map([...copyState(pick(before.received, (name) => !fresh.has(name))), ...fresh]);
  }

  /**
   * Hands over what rounds added to frozen weights: all of it in a new process, whose network is as it was at first.
   * @param since the round that the site trained last: what came before is no traffic of this round
   */
  async #correct(task: Task, since: number): Promise<void> {
    const trainer = this.#trainer;
    if (aggregations[task.aggregation].corrects && !trainer.correct)
      throw federateError('CORRECTION_UNSUPPORTED', { site: this.name, aggregation: task.aggregation });
    for (const { round, blob } of task.corrections) {
      if (!this.#corrected.has(round)) {
        const { coded, bytes } = await this.#fetch(blob, task);
        withCorrections(coded, wireFormats[task.wire], (corrections) => trainer.correct?.(round, corrections));
        this.#corrected.set(round, bytes);
      }
      if (round >= since) this.#down += this.#corrected.get(round)!;
    }
  }

  async #sendUpdate({ payload, message }: { payload: Uint8Array; message: Uint8Array }, round: number): Promise<void> {
    await this.#transport.putBlob(payload, round);
    await this.#transport.updateState(this.name, message);
  }
}
