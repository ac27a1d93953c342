/**
 * What goes on around a coordinator's rounds: who is a member, what the administrator wishes, which sites live. The rounds ask
 * it between two of them; a change of members it passes on at once.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Journal } from '../../audit/index.js';
import { GraftError, ownMark, type Tell } from '../../core/index.js';
import {
  type Coordinator,
  type NatsTransport,
  type SealedCoordinator,
  sealedCoordinator,
} from '../../federate/index.js';
import type { CoordinatorFolder } from '../coordinator-folder.js';
import { digestOf } from '../journals.js';
import type { Member } from '../members.js';
import { brokerFiles, coordinatorPlaces } from '../places.js';
import type { BrokerProcess } from './broker-process.js';
import { textOfBroker } from './connection.js';
import { readControl, watchFiles } from './control.js';
import { runningPlaces } from './places.js';
import { Sightings, writeStanding } from './standing.js';

export interface DeskOptions {
  transport: NatsTransport;
  broker: BrokerProcess | undefined;
  journal: Journal;
  tell: Tell;
  /** Is given an error that the coordinator cannot go on after. */
  failed: (error: unknown) => void;
  signal: AbortSignal;
}

/** Between two writings of what is seen of the sites, in ms; a site that was silent for so long is away. */
const WRITE = 1000;
export const SILENCE = 15_000;

export class Desk implements Disposable {
  readonly sealed: SealedCoordinator;
  readonly #opened: CoordinatorFolder;
  readonly #around: DeskOptions;
  readonly #sightings = new Sightings();
  readonly #end = new AbortController();
  readonly #open: Disposable[] = [];
  #members: Member[];
  #connected = true;
  /** Those who wait for a change of the files. */
  #waiting: (() => void)[] = [];
  /** The one that is at work. */
  coordinator: Coordinator | undefined;

  constructor(opened: CoordinatorFolder, around: DeskOptions) {
    this.#opened = opened;
    this.#around = around;
    const { folder, study, keys } = opened;
    this.#members = opened.members();
    this.#sightings.expect(this.#members);
    this.sealed = sealedCoordinator(around.transport, {
      ...{ federation: digestOf(study), key: keys.payload, sites: this.#keys('payload') },
      head: () => around.journal.head,
      refused: (error, from) => this.#note(`${from || 'somebody'} was not listened to: ${error.message}`),
    });
    const places = coordinatorPlaces(folder);
    const configuration = join(places.broker, brokerFiles.configuration);
    this.#open.push(
      watchFiles([places.members, runningPlaces(folder).control], () => this.#changed(), around.failed),
      watchFiles([configuration], () => around.broker?.reload(), around.failed),
    );
    this.#write();
    const timer = setInterval(() => this.#write(), WRITE);
    this.#open.push({ [Symbol.dispose]: () => clearInterval(timer) });
    this.#hear().catch(around.failed);
    this.#follow().catch(around.failed);
  }

  /** Public keys of those that may take part. */
  get sites(): Record<string, string> {
    return this.#keys('signing');
  }

  /** Rounds in all. */
  get rounds(): number {
    const { study, folder } = this.#opened;
    return Math.max(study.federation.rounds, readControl(folder).rounds ?? 0);
  }

  /** Resolves when the administrator lets rounds be begun, or the signal is aborted. */
  async whilePaused(): Promise<void> {
    const { signal } = this.#around;
    for (let told = false; readControl(this.#opened.folder).paused && !signal.aborted; told = true) {
      if (!told) this.#note(`Paused: go on with graft federation resume ${this.#opened.folder}`);
      await this.change();
    }
  }

  /** Resolves when the members or the wishes have changed, after the time, or when the signal is aborted. */
  async change(milliseconds = 2 ** 30): Promise<void> {
    const { signal } = this.#around;
    const noticed = new Promise<void>((resolve) => this.#waiting.push(resolve));
    const timer = new AbortController();
    const over = AbortSignal.any([signal, timer.signal]);
    await Promise.race([noticed, setTimeout(milliseconds, undefined, { signal: over }).catch(() => {})]);
    timer.abort();
  }

  /** Waits until every site that lives has what the rounds led to. */
  async waitForSites(): Promise<void> {
    const { signal } = this.#around;
    const { seen } = this.#sightings;
    const begun = Date.now();
    const isBusy = (site: string) => {
      const one = seen.get(site);
      if (one?.doing === 'done') return false;
      return Date.now() - Math.max(begun, one ? Date.parse(one.heard) : 0) < SILENCE;
    };
    for (let told = false; !signal.aborted; told = true) {
      const busy = Object.keys(this.sites).filter(isBusy);
      if (busy.length === 0) return;
      if (!told) this.#note(`The broker runs until ${busy.join(', ')} have the result.`);
      await setTimeout(200);
    }
  }

  #keys(kind: 'signing' | 'payload'): Record<string, string> {
    return Object.fromEntries(this.#members.map(({ name, keys }) => [name, keys[kind]]));
  }

  #note(text: string): void {
    this.#around.tell({ kind: 'note', text });
  }

  #changed(): void {
    const before = this.#members.map(({ name }) => name);
    this.#members = this.#opened.members();
    const now = this.#members.map(({ name }) => name);
    const gone = before.filter((site) => !now.includes(site));
    const come = now.filter((site) => !before.includes(site));
    if (gone.length > 0 || come.length > 0) {
      for (const site of gone) this.#note(`${site} is revoked: nothing more is taken from it`);
      for (const site of come) this.#note(`${site} is admitted`);
      this.#sightings.expect(this.#members);
      this.sealed.admit(this.#keys('payload')).catch(this.#around.failed);
      this.coordinator?.admit(this.sites);
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #hear(): Promise<void> {
    const { journal, transport } = this.#around;
    for await (const { site, pulse } of transport.pulses(this.#end.signal)) {
      const before = this.#sightings.seen.get(site)?.twice;
      if (this.#sightings.take(site, pulse)) this.coordinator?.moved(site);
      if (before !== undefined || !this.#sightings.seen.get(site)?.twice) continue;
      const reason = 'two processes run it at once, from copies of one folder';
      journal.note({ act: 'site.twice', subject: site, reason });
      this.#note(`${site}: ${reason}; the hospital has to stop the one that was started last`);
    }
  }

  async #follow(): Promise<void> {
    for await (const event of this.#around.transport.events(this.#end.signal)) {
      if (event.kind === 'connected' || event.kind === 'disconnected') this.#connected = event.kind === 'connected';
      this.#note(textOfBroker(event));
    }
  }

  /** Nothing depends on it: a disk that is full shows where it matters. */
  #write(): void {
    try {
      this.#writeStanding();
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
    }
  }

  #writeStanding(): void {
    writeStanding(runningPlaces(this.#opened.folder).standing, {
      ...{ process: ownMark(), at: new Date().toISOString(), broker: this.#connected ? 'connected' : 'away' },
      sites: Object.fromEntries(this.#sightings.seen),
    });
  }

  [Symbol.dispose](): void {
    this.#end.abort();
    for (const one of this.#open) one[Symbol.dispose]();
    this.#write();
  }
}
