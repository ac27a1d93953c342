/** Experiments: recipes, run folders, the two kinds of study, and what their results say. */
export * from './beside.js';
export { cacheFolder, cacheSchema, removeCache } from './cache.js';
export * from './comparison/index.js';
export * from './dataset.js';
export { runErrors } from './errors.js';
export * from './experiment.js';
export * from './federation/index.js';
export * from './folder.js';
export * from './gather.js';
export type { JobPage, JobScore } from './job-page.js';
export * from './kinds.js';
export * from './recipe.js';
export * from './recipes.js';
export * from './settings.js';
export * from './summary.js';
