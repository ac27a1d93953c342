/** The adaptation study: its recipe, its results, and how it is carried out. */
export * from './recipe.js';
export type { Result, SourceResult } from './results.js';
export { adaptationStudy } from './study.js';
export type { Summary } from './summary.js';
