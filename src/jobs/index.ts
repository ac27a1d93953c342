/** Single pieces of work without a run's folder: train, adapt, tune a part, federate, make a foundation, predict, score, inspect. */
export { jobErrors } from './errors.js';
export { type Federated, type FederationJob, federateModel } from './federate.js';
export { describeFoundation, makeFoundation } from './foundation.js';
export * from './inspect/index.js';
export * from './prediction/index.js';
export * from './score.js';
export { freeSite, type LoadedSite, loadSite } from './sites.js';
export { freeSlices, readSlices } from './slices.js';
export * from './train-adapt.js';
export { type TuningJob, tuneModel } from './tune.js';
