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

type Item = Heard | Extract<Entry, { kind: 'dropped' }> | { deadline: number };

export class Inbox {
  readonly #gate: Gate;
  readonly #bench: Bench;
  readonly #clock: Clock;
  readonly #queue = new Queue<Item>();
  /** Sites with a rejection since the last count. */
  readonly #rejected = new Set<string>();

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

  /** Puts the deadline into the queue when the time is over. */
  startDeadline(round: number, seconds: number | null, signal: AbortSignal): void {
    if (seconds === null) return;
    this.#clock.after(seconds, signal).then(
      () => this.#queue.push({ deadline: round }),
      () => {}, // the run ended first
    );
  }

  /** The next that is heard; undefined after the end. */
  async next(): Promise<News | { deadline: number } | undefined> {
    const item = await this.#queue.next();
    if (!item || 'deadline' in item) return item;
    if ('kind' in item) return { entry: item, by: undefined };
    const { site } = item;
    this.#gate.taken(site);
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
