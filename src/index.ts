/** graft as a library: everything public, by area. */
export * from './adapt/index.js';
export * from './audit/index.js';
export * from './compare/index.js';
export * from './core/index.js';
export * from './data/index.js';
export * from './federate/index.js';
export * from './finetune/index.js';
export * from './formats/index.js';
export * from './jobs/index.js';
export * from './metrics/index.js';
export * from './networks/index.js';
export * from './nn/index.js';
export * from './peft/index.js';
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
export * from './segmenter/index.js';
export * from './studies/index.js';
export * from './torch/index.js';
