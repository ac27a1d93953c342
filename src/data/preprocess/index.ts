/** One preprocessing object, and what it does to volumes, labels and probabilities. */
export type { SliceGeometry } from './geometry.js';
export { percentiles } from './intensity.js';
export { placeInSlices, placeOnGrid, type Space } from './locate.js';
export { type Prepared, prepareLabel, prepareVolume, restoreProbabilities } from './prepare.js';
export { type Intensity, type Preprocessing, preprocessingSchema } from './schema.js';
