/** One preprocessing object, and what it does to volumes, labels and probabilities. */
export { planesOf, type SliceGeometry, sliceSpacing } from './geometry.js';
export { percentiles } from './intensity.js';
export { placeInSlices, placeOnGrid, type Space } from './locate.js';
export { insideOf } from './nonzero.js';
export * from './prepare.js';
export * from './restoration.js';
export { type Intensity, type Plane, type Preprocessing, planes, preprocessingSchema } from './schema.js';
