/** Unsupervised adaptation of a segmentation network to other scanners. */
export * from './adapt.js';
export * from './adapter.js';
export * from './consistency.js';
export { adaptErrors } from './errors.js';
export * from './methods.js';
export type { Observation } from './observation.js';
export * from './observe.js';
export * from './predict.js';
export * from './reference.js';
export * from './segmenter.js';
export type { Look } from './select.js';
export * from './train.js';
