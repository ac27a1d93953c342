/** Masks for volumes: which images, with which model, into which files, and what of them is doubted. */
export { algorithmOf } from './algorithm.js';
export type { Mask } from './mask.js';
export { noteMask } from './noted.js';
export { checkOutputs, type Outputs, reportFile } from './outputs.js';
export * from './predictor.js';
export { type Candidate, Router, type Routing, type RoutingOptions } from './routing.js';
export * from './segment-images.js';
export * from './sources.js';
