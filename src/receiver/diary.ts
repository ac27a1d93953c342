/**
 * What a receiver did, a line of JSON for each act (`receiver.jsonl`), which is also told while it runs. Studies and series
 * stand under their pseudonyms; nothing that names a patient is in it.
 */
import { join } from 'node:path';
import { Log, type Tell } from '../core/index.js';

/** Names and numbers; no text from a header. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

/** Acts that strangers can cause, by what they are; more than so many are not told apart. */
const mostCounted = 1000;

export class Diary {
  readonly #log: Log;
  readonly #tell: Tell;
  readonly #counted = new Map<string, number>();

  constructor(root: string, tell: Tell) {
    this.#log = new Log(join(root, 'receiver.jsonl'));
    this.#log.repair();
    this.#tell = tell;
  }

  note(event: string, facts: Facts = {}): void {
    const said = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
    const at = new Date().toISOString();
    try {
      this.#log.append({ event, ...said });
    } catch (error) {
      // A disk that is full must not stop what is received and sent.
      this.#tell({ kind: 'note', text: `not in the log: ${(error as Error).message}` });
    }
    const text = Object.entries(said).map(([key, value]) => `${key} ${value}`);
    this.#tell({ kind: 'result', text: `${at} ${[event, ...text].join(', ')}`, value: { at, event, ...said } });
  }

  /** The same of what may come again and again: the 1st, 2nd, 4th, 8th … time, so that nobody can fill the disk with it. */
  noteSeldom(event: string, facts: Facts): void {
    const own = JSON.stringify([event, facts]);
    const key = this.#counted.has(own) || this.#counted.size < mostCounted ? own : event;
    const times = (this.#counted.get(key) ?? 0) + 1;
    this.#counted.set(key, times);
    if (Number.isInteger(Math.log2(times))) this.note(event, { ...facts, times });
  }
}
