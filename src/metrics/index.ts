/** Overlap and surface measures of segmentations, in millimetres. */
export type { CaseMeasures, CaseScore } from './case-score.js';
export { disagreement } from './disagreement.js';
export { metricErrors } from './errors.js';
export * from './evaluate.js';
export * from './extent.js';
export * from './overlap.js';
export * from './statistics/index.js';
export { surfaceAgreement } from './surface-agreement.js';
export * from './surface-distances.js';
export * from './surface-measures.js';
