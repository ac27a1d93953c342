/**
 * What the coordinator hears: what comes through the gate, judged one after another, and the ends of deadlines. What is to be
 * recorded of it is bounded: of each site one message that was dropped and one that was rejected, until a round is decided.
 */
import type { Clock } from './clock.js';
import type { Entry } from './entries.js';
import type { Gate, Heard } from './gate.js';
import { type Bench, judge } from './reception.js';
import { pump, Queue } from './streams.js';
import type { Transport } from './transport.js';

type Told = Extract<Entry, { site: string }>;

export interface News {
  /** What is to be recorded. */
  entry: Told | undefined;
  /** The site that has said it itself; undefined where that is not proven. */
  by: string | undefined;
  /** Why nothing more is to be expected of the site before it is started anew. */
  rejected?: string | undefined;
}

type Item = Heard | Extract<Entry, { kind: 'dropped' }> | { deadline: number };

export class Inbox {
  readonly #gate: Gate;
  readonly #bench: Bench;
  readonly #clock: Clock;
  readonly #queue = new Queue<Item>();
  /** Sites of which a rejection was told since the last count. */
  readonly #rejected = new Set<string>();

  constructor(gate: Gate, bench: Bench, clock: Clock) {
    this.#gate = gate;
    this.#bench = bench;
    this.#clock = clock;
  }

  /** Takes in what comes until the signal. */
  listen(transport: Transport, signal: AbortSignal): void {
    const take = ({ site, state }: { site: string; state: Uint8Array }) => {
      const item = this.#gate.admit(state, site);
      if (item) this.#queue.push(item);
    };
    pump(transport.presence(signal), take, this.#queue);
  }

  /** Tells when the time is over. */
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
