/** What runs of either kind scored, for comparisons, tables and what is handed on. */

export type { RunFiles } from '../folder.js';
export { entriesOfRuns, namesOfRuns, openRun, readScores } from './scores.js';
export * from './sharing.js';
export * from './write-scores.js';
