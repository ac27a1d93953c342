/** The federated experiment: its recipe, its run, and what is left of it. */
export * from './experiment.js';
export * from './recipe.js';
export type { RegimeResult } from './results.js';
export { type LoadedSite, loadSite } from './sites.js';
export type * from './summary.js';
export { type TuningJob, tune } from './tuning.js';
