/** The adaptation experiment: its recipe, its run, and what is left of it. */
export * from './experiment.js';
export * from './recipe.js';
export type { Result, SourceResult } from './results.js';
export type { Summary } from './summary.js';
