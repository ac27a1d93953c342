/**
 * TensorBoard event files: a folder for each series, which TensorBoard shows as a run, and in it a file for each start.
 *
 * A file cannot take back what it says, and a resumed run repeats the epoch in which it was stopped. But a `START` at a step
 * voids that step and all later ones, in older files and in its own: every start begins with one at step 0 and the whole log,
 * and a step that comes again is preceded by one. So no step shows twice and none is lost, wherever a run was killed.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type Event, encodeEvent, type Picture } from './event.js';
import { type LogRecord, type Scalars, scalarsOf } from './scalars.js';
import { frameRecord } from './tfrecord.js';
import type { TrackedRun } from './tracked-run.js';
import type { Outcome, Tracker } from './tracker.js';

/** What is read of a run: its log, and where it lies. */
export type Logged = Pick<TrackedRun, 'path' | 'file' | 'readLogFrom'>;

export class TensorBoard implements Tracker {
  readonly name = 'TensorBoard';
  readonly #run: Logged;
  readonly #folder: string;
  /** Of this start, the same in every series; digits of equal number sort as times do. */
  readonly #file = `events.out.tfevents.${(Date.now() / 1000).toFixed(3)}.graft`;
  readonly #series = new Map<string, Series>();
  /** How much of the log has been read in this start. */
  #at = 0;

  /** @param folder one that several runs share; default: `tensorboard` in the run's */
  constructor(run: Logged, folder?: string) {
    this.#run = run;
    this.#folder = folder === undefined ? run.file('tensorboard') : join(folder, basename(resolve(run.path)));
  }

  async update(): Promise<void> {
    const lines = this.#run.readLogFrom<LogRecord>(this.#at);
    for (const { record, end } of lines) {
      const scalars = scalarsOf(record);
      if (scalars) this.#seriesOf(scalars.series).add(scalars);
      this.#at = end;
    }
    for (const series of this.#series.values()) series.write();
  }

  async finish({ scores, pictures }: Outcome): Promise<void> {
    const time = Date.now();
    for (const { series, values } of scores) this.#seriesOf(series).add({ series, values, step: 0, time });
    await this.update();
    for (const { series, name, picture } of pictures) this.#seriesOf(series).show(name, picture);
  }

  /** What is written stays. */
  async abandon(): Promise<void> {}

  #seriesOf(names: readonly string[]): Series {
    const folder = join(this.#folder, ...names.map(folderName));
    const series = this.#series.get(folder) ?? new Series(folder, this.#file);
    this.#series.set(folder, series);
    return series;
  }
}

interface Point {
  value: number;
  time: number;
}

/** The file of one series, and what it shows. */
class Series {
  readonly #folder: string;
  readonly #file: string;
  /** By step, then by name: the last of what was said. */
  readonly #points = new Map<number, Map<string, Point>>();
  /** What has not been written: these, or where a step came again everything from that step on. */
  #fresh: { step: number; name: string; point: Point }[] = [];
  #again = Number.POSITIVE_INFINITY;
  #begun = false;

  constructor(folder: string, file: string) {
    this.#folder = folder;
    this.#file = join(folder, file);
  }

  add({ step, values, time }: Scalars): void {
    const there = this.#points.get(step) ?? new Map<string, Point>();
    this.#points.set(step, there);
    for (const [name, value] of Object.entries(values)) {
      if (there.has(name)) this.#again = Math.min(this.#again, step);
      there.set(name, { value, time });
      this.#fresh.push({ step, name, point: { value, time } });
    }
  }

  write(): void {
    let due = this.#fresh;
    if (this.#again < Number.POSITIVE_INFINITY) {
      const from = this.#begun ? this.#again : 0;
      if (this.#begun) this.#append({ wallTime: Date.now() / 1000, step: from, what: { kind: 'start' } });
      due = [...this.#points]
        .filter(([step]) => step >= from)
        .sort(([a], [b]) => a - b)
        .flatMap(([step, there]) => [...there].map(([name, point]) => ({ step, name, point })));
    }
    for (const { step, name, point } of due)
      this.#append({ wallTime: point.time / 1000, step, what: { kind: 'summary', scalars: { [name]: point.value } } });
    this.#fresh = [];
    this.#again = Number.POSITIVE_INFINITY;
  }

  show(name: string, picture: Picture): void {
    this.#append({ wallTime: Date.now() / 1000, step: 0, what: { kind: 'summary', pictures: { [name]: picture } } });
  }

  #append(event: Event): void {
    const events = [event];
    if (!this.#begun) {
      mkdirSync(this.#folder, { recursive: true });
      const { wallTime } = event;
      events.unshift({ wallTime, step: 0, what: { kind: 'version' } }, { wallTime, step: 0, what: { kind: 'start' } });
      this.#begun = true;
    }
    appendFileSync(this.#file, Buffer.concat(events.map((one) => frameRecord(encodeEvent(one)))));
  }
}

/** A name that stays one folder on any file system. */
const folderName = (name: string): string => name.replaceAll(/[^\p{L}\p{N} ._+-]/gu, '_').replace(/^\.+$/, '_');
