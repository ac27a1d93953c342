/** What runs of either kind scored, for comparisons, tables and what is handed on. */
export type { RunFiles } from '../folder.js';
export { entriesOfRuns, forSharing, namesOfRuns, openRun } from './runs.js';
export type { ModelScores } from './scores.js';
export { comparisonPage, sideBySidePage } from './side-by-side.js';
