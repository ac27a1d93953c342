/** Recipes, run folders, the two experiments and their reports. */

export * from './audit/index.js';
export * from './beside.js';
export * from './compare/index.js';
export * from './dataset.js';
export { runErrors } from './errors.js';
export type { ProgressEvent } from './events.js';
export * from './experiment.js';
export * from './federation/index.js';
export * from './folder.js';
export * from './foundation.js';
export * from './gather.js';
export * from './inspect/index.js';
export { jobErrors } from './job-errors.js';
export type { JobPage, JobScore } from './job-page.js';
export * from './jobs.js';
export * from './kinds.js';
export { lockErrors } from './lock.js';
export * from './log.js';
export * from './prediction/index.js';
export * from './recipe.js';
export * from './recipes.js';
export {
  type Drawn,
  type FederationReport,
  type Headline,
  type Panel,
  type ReportData,
  renderComparison,
  renderFederationReport,
  renderReport,
} from './report/index.js';
export * from './score.js';
export * from './settings.js';
export * from './summary.js';
