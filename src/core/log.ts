/**
 * A log as lines of JSON, such as a run's `metrics.jsonl`: a line for each record, with a check of what it says. A line that a crash cut short
 * or that was damaged is left out when the log is read.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, truncateSync } from 'node:fs';
import { appendText, writing } from './files.js';
import { sealedLine, unsealedLine } from './sealed.js';

/** A line of the log, and the byte after it. */
export interface LogLine<Record> {
  record: Record;
  end: number;
}

export class Log {
  readonly file: string;
  constructor(file: string) {
    this.file = file;
  }

  /** Adds a record, with the time in ms since 1970. @throws GraftError WRITE_FAILED */
  append(event: object): void {
    appendText(this.file, sealedLine({ time: Date.now(), ...event }));
  }

  /** The whole lines from a byte on, where one begins. */
  readFrom<Line extends object>(start: number): LogLine<Line>[] {
    return this.#read<Line>(start).lines;
  }

  /**
   * Takes off a line that a crash cut short, or the next one would be lost with it; gives how many others are damaged.
   * @throws GraftError WRITE_FAILED
   */
  repair(): number {
    const { damaged, whole, size } = this.#read(0);
    if (whole < size) writing(this.file, () => truncateSync(this.file, whole));
    return damaged;
  }

  #read<Line extends object>(start: number): { lines: LogLine<Line>[]; damaged: number; whole: number; size: number } {
    const lines: LogLine<Line>[] = [];
    if (!existsSync(this.file)) return { lines, damaged: 0, whole: 0, size: 0 };
    const file = openSync(this.file, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - start));
      readSync(file, bytes, 0, bytes.length, start);
      let [at, damaged] = [0, 0];
      for (let end = bytes.indexOf('\n'); end >= 0; at = end + 1, end = bytes.indexOf('\n', at)) {
        const record = unsealedLine<Line>(bytes.toString('utf8', at, end));
        if (record) lines.push({ record, end: start + end + 1 });
        else damaged++;
      }
      return { lines, damaged, whole: start + at, size: start + bytes.length };
    } finally {
      closeSync(file);
    }
  }
}
