/** The federated study: its recipe, its results, and how it is carried out. */
export { type BaseJob, makeBase } from './base.js';
export * from './recipe.js';
export type { RegimeResult } from './results.js';
export { federationStudy } from './study.js';
export type * from './summary.js';
