/** A log as lines of JSON, such as a run's `metrics.jsonl`: it only grows, and a crash costs no more than its last line. */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { appendText } from '../core/index.js';

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

  /** Adds a line, with the time in ms since 1970. */
  append(event: object): void {
    appendText(this.file, `${JSON.stringify({ time: Date.now(), ...event })}\n`);
  }

  /** The whole lines from a byte on, where one begins; none where there is no log. */
  readFrom<Line>(start: number): LogLine<Line>[] {
    if (!existsSync(this.file)) return [];
    const file = openSync(this.file, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - start));
      readSync(file, bytes, 0, bytes.length, start);
      const lines: LogLine<Line>[] = [];
      for (let at = 0, end = bytes.indexOf('\n'); end >= 0; at = end + 1, end = bytes.indexOf('\n', at)) {
        const record = parseLine<Line>(bytes.toString('utf8', at, end));
        if (record !== undefined) lines.push({ record, end: start + end + 1 });
      }
      return lines;
    } finally {
      closeSync(file);
    }
  }

  /** Ends a line that a crash cut short, or the next one would be lost with it. */
  endLine(): void {
    if (!existsSync(this.file)) return;
    const text = readFileSync(this.file, 'utf8');
    if (text !== '' && !text.endsWith('\n')) appendText(this.file, '\n');
  }
}

function parseLine<Line>(text: string): Line | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
