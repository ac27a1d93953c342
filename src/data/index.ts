/** Volumes and labels, and the files they come from. */
export { dataError, dataErrors } from './errors.js';
export * from './nifti/index.js';
export type { Triple } from './orientation.js';
export { assertSameGrid, type Grid, type Label, type Placed, type Volume } from './volume.js';
