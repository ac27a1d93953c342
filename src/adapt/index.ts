/** Learning without labels: training on a source, and adaptation to other scanners. */
export * from './adapt.js';
export * from './consistency.js';
export { adaptErrors } from './errors.js';
export * from './methods.js';
export type { Observation } from './observation.js';
export * from './observe.js';
export { departures, referenceOf, severity } from './reference.js';
export type { Look } from './select.js';
export * from './train.js';
