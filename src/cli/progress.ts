/**
 * Progress on stderr: one live line on a terminal, otherwise a plain line at the start and end of a task and every ten
 * seconds. Colours follow the stream, NO_COLOR and FORCE_COLOR.
 */
import { styleText } from 'node:util';
import type { ProgressEvent } from '../core/index.js';
import { duration, measured } from './format.js';

export type { ProgressEvent };

type Step = Extract<ProgressEvent, { kind: 'step' }>;

/** A stream such as `process.stderr`. */
export interface ProgressStream extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
}

/** Between two rewritings of the live line, and between two plain lines, in ms. */
const LIVE = 100;
const PLAIN = 10_000;
const BAR = 20;

const valuesText = (values: Record<string, number> = {}) =>
  Object.entries(values).map(([name, value]) => `${name} ${measured(value)}`);

/** What a terminal would obey becomes a space: names and reasons may be those of others. */
const plain = (text: string) => text.replace(/\p{Cc}/gu, ' ');

export class ProgressView {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #name = '';
  #started = 0;
  /** Where counting began: the first step (which warms caches up) is no measure for the others. */
  #first: { time: number; done: number } | undefined;
  #step: Step | undefined;
  #shown = 0;
  #live = false;

  /** @param now milliseconds of a steady clock */
  constructor(stream: ProgressStream, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  show(event: ProgressEvent): void {
    if (event.kind === 'pause') return;
    const now = this.#now();
    if (event.kind === 'task') {
      this.close();
      [this.#name, this.#started, this.#shown] = [event.name, now, now];
      this.#first = undefined;
      if (this.#stream.isTTY) this.#draw(`${event.name} …`);
      else this.#line(event.total === undefined ? event.name : `${event.name}: ${event.total} steps`);
    } else if (event.kind === 'step') {
      this.#first ??= { time: now, done: event.done };
      this.#step = event;
      if (now - this.#shown < (this.#stream.isTTY ? LIVE : PLAIN)) return;
      this.#shown = now;
      if (this.#stream.isTTY) this.#draw(this.#stepText(event, now));
      else this.#line(this.#stepText(event, now));
    } else if (event.kind === 'note' || event.kind === 'result') {
      this.aside(() => this.#line(event.text));
    } else {
      const took = this.#name === event.name ? [`done in ${duration((now - this.#started) / 1000)}`] : ['done'];
      this.#line(`: ${[...took, ...valuesText(event.values)].join(', ')}`, event.name);
      this.#step = undefined;
    }
  }

  /** Takes the live line away while something else is written, on whichever stream. */
  aside(write: () => void): void {
    if (this.#live) this.#stream.write('\r\x1b[K');
    this.#live = false;
    write();
    if (this.#stream.isTTY && this.#step) this.#draw(this.#stepText(this.#step, this.#now()));
  }

  /** Takes the live line away. */
  close(): void {
    if (this.#live) this.#stream.write('\r\x1b[K');
    this.#live = false;
    this.#step = undefined;
  }

  #stepText({ done, total, values }: Step, now: number): string {
    const share = total > 0 ? Math.min(1, done / total) : 1;
    const left = this.#secondsLeft(done, total, now);
    const filled = Math.round(BAR * share);
    const bar = this.#stream.isTTY ? [`[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}]`] : [];
    const parts = [
      [this.#name, ...bar, `${Math.floor(100 * share)} %`].join(' ').trimStart(),
      `${done}/${total}`,
      ...(left === undefined ? [] : [`${duration(left)} left`]),
      ...valuesText(values),
    ];
    return parts.join('  ');
  }

  #secondsLeft(done: number, total: number, now: number): number | undefined {
    const first = this.#first;
    if (!first || done <= first.done) return undefined;
    return ((total - done) * (now - first.time)) / (done - first.done) / 1000;
  }

  #style(format: 'green', text: string): string {
    return styleText(format, text, { stream: this.#stream });
  }

  /** A line that stays. @param name stands before it, in green */
  #line(text: string, name = ''): void {
    const named = name && this.#style('green', plain(name));
    this.#stream.write(`${this.#live ? '\r\x1b[K' : ''}${named}${plain(text)}\n`);
    this.#live = false;
  }

  /** The line that is rewritten; one column stays free, or terminals would wrap it. */
  #draw(text: string): void {
    this.#stream.write(`\r\x1b[K${[...plain(text)].slice(0, (this.#stream.columns || 80) - 1).join('')}`);
    this.#live = true;
  }
}
