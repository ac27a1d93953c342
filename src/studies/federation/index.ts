/** The federated experiment: its recipe, its run, and what is left of it. */
export * from './experiment.js';
export * from './recipe.js';
export * from './results.js';
export { type LoadedSite, loadSite } from './sites.js';
export * from './summary.js';
export { type TuningJob, tune } from './tuning.js';
