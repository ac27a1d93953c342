/**
 * What the coordinator hears: messages that pass the gate, judged one after another, and the ends of deadlines. Until a
 * round is decided, at most one dropped and one rejected message of each site is to be recorded.
 */
import type { Clock } from './clock.js';
import type { Entry } from './entries.js';
import type { Gate, Heard } from './gate.js';
import { type Bench, judge } from './reception.js';
import { pump, Queue } from './streams.js';
import type { Transport } from './transport.js';

type Told = Extract<Entry, { site: string }>;

export interface News {
  /** For the ledger. */
  entry: Told | undefined;
  /** The site whose signature proves that it said this; undefined without proof. */
  by: string | undefined;
  /** Why the coordinator expects nothing more of the site until it is restarted. */
  rejected?: string | undefined;
}

/** What wakes the coordinator beside what sites say. */
export type Occasion = { deadline: number } | { members: ReadonlyMap<string, string | undefined> };

type Item = Heard | Extract<Entry, { kind: 'dropped' }> | Occasion;

/** However much still moves, a round lasts no longer than so many deadlines. */
const LONGEST = 10;

export class Inbox {
  readonly #gate: Gate;
  readonly #bench: Bench;
  readonly #clock: Clock;
  readonly #queue = new Queue<Item>();
  /** Sites with a rejection since the last count. */
  readonly #rejected = new Set<string>();
  /** When something last moved on its way to or from a site that is waited for, in seconds of the clock. */
  #moved = Number.NEGATIVE_INFINITY;

  constructor(gate: Gate, bench: Bench, clock: Clock) {
    this.#gate = gate;
    this.#bench = bench;
    this.#clock = clock;
  }

  /** Receives messages until the signal. */
  listen(transport: Transport, signal: AbortSignal): void {
    const take = ({ site, state }: { site: string; state: Uint8Array }) => {
      const item = this.#gate.admit(state, site);
      if (item) this.#queue.push(item);
    };
    pump(transport.presence(signal), take, this.#queue);
  }

  /** Notes that bytes of a site that is waited for are moving: the time counts from the last of them. */
  moved(): void {
    this.#moved = this.#clock.passed();
  }

  /** Asks for a change of those who may take part; it is made between two messages. */
  change(members: ReadonlyMap<string, string | undefined>): void {
    this.#queue.push({ members });
  }

  /** Puts the deadline into the queue when the time is over. */
  startDeadline(round: number, seconds: number | null, signal: AbortSignal): void {
    if (seconds === null) return;
    this.#wait(seconds, signal).then(
      () => this.#queue.push({ deadline: round }),
      () => {}, // the run ended first
    );
  }

  async #wait(seconds: number, signal: AbortSignal): Promise<void> {
    const begun = this.#clock.passed();
    for (let left = seconds; left > 0; ) {
      await this.#clock.after(left, signal);
      const now = this.#clock.passed();
      left = this.#moved > begun ? seconds - (now - this.#moved) : 0;
      left = Math.min(left, LONGEST * seconds - (now - begun));
    }
  }

  /** The next that is heard; undefined after the end. */
  async next(): Promise<News | Occasion | undefined> {
    const item = await this.#queue.next();
    if (!item || 'deadline' in item || 'members' in item) return item;
    if ('kind' in item) return { entry: item, by: undefined };
    const { site } = item;
    this.#gate.taken(site);
    if (!this.#gate.knows(site)) return { entry: undefined, by: undefined }; // it was revoked meanwhile
    const entry = await judge(item, this.#bench);
    if (entry?.kind !== 'rejected') return { entry, by: site };
    const first = !this.#rejected.has(site);
    this.#rejected.add(site);
    return { entry: first ? entry : undefined, by: site, rejected: entry.reason };
  }

  /** What was dropped since the last count, to be recorded when a round is decided. */
  count(round: number): ReturnType<Gate['count']> {
    this.#rejected.clear();
    return this.#gate.count(round);
  }
}
