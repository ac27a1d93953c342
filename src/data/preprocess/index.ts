/** One preprocessing object, and what it does to volumes, labels and probabilities. */
export type { SliceGeometry } from './geometry.js';
export { type Prepared, prepareLabel, prepareVolume, restoreProbabilities } from './prepare.js';
export { type Preprocessing, preprocessingSchema } from './schema.js';
