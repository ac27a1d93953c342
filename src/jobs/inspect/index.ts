/** Inspection before training. */
export { casesOnSheet, type InspectedCase, type Inspection, inspectFolder } from './inspect.js';
export type { Fault, Series } from './source.js';
