/** Experiments: recipes, run folders, the two kinds of study, and what their results say. */
export * from './adaptation/index.js';
export * from './beside.js';
export { cacheFolder, cacheSchema, removeCache } from './cache.js';
export type { CommonRecipe } from './common-keys.js';
export * from './comparison/index.js';
export * from './dataset.js';
export { runErrors } from './errors.js';
export * from './federation/index.js';
export type { Experiment, SummaryTable } from './findings.js';
export * from './folder.js';
export type { JobPage, JobScore } from './job-page.js';
export * from './kinds.js';
export * from './recipes.js';
export { type PageSource, RunPage, readPage } from './run-page.js';
export * from './settings.js';
export { type AnyStudy, runStudy, type Study } from './study.js';
export { type Done, resultPath, type Task } from './tasks.js';
