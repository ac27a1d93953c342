/** What a run tells while it works: whoever shows it decides how. */

/** `step` counts within the latest `task`; `done` ends it. */
export type ProgressEvent =
  | { kind: 'task'; name: string; total?: number }
  | { kind: 'step'; done: number; total: number; values?: Record<string, number> }
  | { kind: 'note'; text: string }
  | { kind: 'done'; name: string; values?: Record<string, number> };
