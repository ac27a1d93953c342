/**
 * The coordinator's truth: an append-only file of JSON lines, each forced to the disk before anything follows from it.
 * Every line carries a check over itself and the line before, so that a line that a crash cut short is recognised and cut
 * off, and one that was changed later is not taken for truth.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { writeAll, writeFileAtomic, writing } from '../core/index.js';
import { federateError } from './errors.js';
import type { BlobReference } from './messages.js';
import type { Metrics } from './trainer.js';

interface Traffic {
  round: number;
  site: string;
  /**
   * Bytes of what the site needed in this round and of what it said: payloads and messages, as they travelled, each once
   * however often a killed process had to ask for it again.
   */
  down: number;
  up: number;
}

/** What is recorded. Times are ISO texts; hashes are SHA-256. */
export type Entry = { at?: string } & (
  | { kind: 'opened'; configuration: Record<string, unknown>; state: StateRecord }
  /** The federation goes on under a configuration that asks for more; sites that were not there before join. */
  | { kind: 'extended'; configuration: Record<string, unknown>; joined: string[] }
  | { kind: 'registered'; site: string; key: string; slices: number; cases: number }
  | { kind: 'rejected'; site: string; reason: string }
  | { kind: 'published'; round: number; chosen: string[] }
  | ({ kind: 'accepted'; blob: BlobReference; norm: number; metrics: Metrics } & Traffic)
  | ({ kind: 'refused'; reason: string } & Traffic)
  | ({ kind: 'failed'; reason: string } & Traffic)
  | ({ kind: 'late' } & Traffic)
  | { kind: 'closed'; round: number; weights: Record<string, number>; missing: string[] }
  | { kind: 'stalled'; round: number; found: number; minimum: number }
  | { kind: 'aggregated'; round: number; error?: number | undefined; metrics: Metrics; state: StateRecord }
);

/** Where the coordinator stands after a round. */
export interface StateRecord {
  /** `fingerprint` of the global state: what sites receive. */
  fingerprint: string;
  /** The global state as it travels in the next round. */
  payload: BlobReference;
  /** What of it changed, as it travels, where that is not all. Earlier versions did not keep it. */
  fresh?: BlobReference | undefined;
  /** What the coordinator needs beside it: moments of its optimiser, what was lost on the wire. */
  memory: BlobReference;
  /** What this round adds to frozen weights. */
  correction?: BlobReference | undefined;
}

const checkOf = (before: string, entry: string) =>
  createHash('sha256')
    .update(before + entry)
    .digest('hex')
    .slice(0, 16);

/** The entries of a ledger, how many bytes they take, and the last line's check. @throws GraftError LEDGER_DAMAGED */
function parse(text: Buffer, file: string): { entries: Entry[]; length: number; check: string } {
  const entries: Entry[] = [];
  let [check, length] = ['', 0];
  while (length < text.length) {
    const end = text.indexOf(10, length);
    const line = end < 0 ? undefined : parseLine(text.toString('utf8', length, end), check);
    if (!line) {
      // Cut short by a crash, or changed: only the last line can have been under way.
      if (end >= 0 && end < text.length - 1) throw federateError('LEDGER_DAMAGED', { file, line: entries.length + 1 });
      break;
    }
    entries.push(line.entry);
    check = line.check;
    length = end + 1;
  }
  return { entries, length, check };
}

function parseLine(line: string, before: string): { entry: Entry; check: string } | undefined {
  try {
    const { check, entry } = JSON.parse(line) as { check: string; entry: Entry };
    return check === checkOf(before, JSON.stringify(entry)) ? { entry, check } : undefined;
  } catch {
    return undefined;
  }
}

/** The entries of a ledger, without opening it for writing. @throws GraftError LEDGER_DAMAGED */
export const readLedger = (file: string): Entry[] => parse(readFileSync(file), file).entries;

export class Ledger implements Disposable {
  readonly file: string;
  /** What was recorded before it was opened. */
  readonly entries: readonly Entry[];
  readonly #descriptor: number;
  #check: string;

  /** Opens or begins a ledger; a last line that was cut short is removed. @throws GraftError LEDGER_DAMAGED */
  constructor(file: string) {
    this.file = file;
    if (!existsSync(file)) writeFileAtomic(file); // the folder's entry too is on the disk
    this.#descriptor = writing(file, () => openSync(file, 'a+'));
    try {
      const text = readFileSync(file);
      const { entries, length, check } = parse(text, file);
      if (length < text.length) {
        ftruncateSync(this.#descriptor, length);
        fsyncSync(this.#descriptor);
      }
      this.entries = entries;
      this.#check = check;
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  /** Records an entry; after the return it survives a crash. @throws GraftError WRITE_FAILED */
  append(entry: Entry): void {
    const json = JSON.stringify(entry);
    const check = checkOf(this.#check, json);
    writing(this.file, () => {
      writeAll(this.#descriptor, [`{"check":"${check}","entry":${json}}\n`]);
      fsyncSync(this.#descriptor);
    });
    this.#check = check;
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
