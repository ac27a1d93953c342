/**
 * The coordinator's truth: an append-only file of JSON lines, each forced to the disk before anything follows from it.
 * Every line carries a check over itself and the line before, so that a line that a crash cut short is recognised and cut
 * off, and one that was changed later is not taken for truth.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { writeAll, writeFileAtomic, writing } from '../core/index.js';
import { type Entry, entrySchema } from './entries.js';
import { federateError } from './errors.js';

/** Of a line: over the one before and itself. @param entry JSON */
export const checkOf = (before: string, entry: string) =>
  createHash('sha256')
    .update(before + entry)
    .digest('hex')
    .slice(0, 16);

/** The entries of a ledger, how many bytes they take, and the last line's check. @throws GraftError LEDGER_DAMAGED */
export function parseLedger(text: Buffer, file: string): { entries: Entry[]; length: number; check: string } {
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
    const written = check === checkOf(before, JSON.stringify(entry)) && entrySchema.safeParse(entry).success;
    return written ? { entry, check } : undefined;
  } catch {
    return undefined;
  }
}

/** The entries of a ledger, without opening it for writing. @throws GraftError LEDGER_DAMAGED */
export const readLedger = (file: string): Entry[] => parseLedger(readFileSync(file), file).entries;

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
      const { entries, length, check } = parseLedger(text, file);
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
