/** What a run tells while it works: the caller decides how to show it. */
import type { Pause } from './pause.js';

/** `step` counts within the latest `task`; `done` ends it. In a `pause` nothing is to be shown, but the work may be ended. */
export type ProgressEvent =
  | Pause
  | { kind: 'task'; name: string; total?: number }
  | { kind: 'step'; done: number; total: number; values?: Record<string, number> }
  | { kind: 'note'; text: string }
  /** A part of the result as soon as it is there: text for people; the value is also in the result. */
  | { kind: 'result'; text: string; value: object }
  | { kind: 'done'; name: string; values?: Record<string, number> };
