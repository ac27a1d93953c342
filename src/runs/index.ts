/** Recipes, run folders, the adaptation experiment and its report. */
export { runErrors } from './errors.js';
export type { ProgressEvent } from './events.js';
export * from './experiment.js';
export * from './folder.js';
export * from './gather.js';
export * from './jobs.js';
export * from './recipe.js';
export * from './report/index.js';
export * from './score.js';
export * from './summary.js';
