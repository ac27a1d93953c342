/** Inspection before training. */
export { casesOnSheet, type InspectedCase, type Inspection, inspect } from './inspect.js';
export type { Fault, Series } from './source.js';
