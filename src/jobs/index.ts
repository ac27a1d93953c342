/** Single pieces of work without a run's folder: train, adapt, make a foundation, predict, score, inspect. */
export { jobErrors } from './errors.js';
export { describeFoundation, makeFoundation } from './foundation.js';
export * from './inspect/index.js';
export * from './prediction/index.js';
export * from './score.js';
export { readSlices } from './slices.js';
export * from './train-adapt.js';
