/** What trackers read of a run, and where they keep how far they are. */
import type { LogLine } from '../core/index.js';

export interface TrackedRun {
  /** The run's folder. */
  readonly path: string;
  file(...parts: string[]): string;
  isWhole(...parts: string[]): boolean;
  readJson<T extends object>(...parts: string[]): T;
  writeJson(value: object, ...parts: string[]): void;
  /** The whole lines of the run's log from a byte on, where one begins. */
  readLogFrom<Line extends object>(start: number): LogLine<Line>[];
  /** With what the run was made, by label. */
  provenance(): [label: string, value: string][];
}
