/** Volumes and labels, and the files they come from. */

export { type Augmentation, augment, augmentationSchema } from './augment.js';
export * from './benchmarks/index.js';
export { cachedSlices } from './cache/index.js';
export * from './check.js';
export { classNamesSchema, distinct } from './class-names.js';
export { type CsvCell, csvOf } from './csv.js';
export * from './dataset.js';
export { datasetErrors } from './dataset-errors.js';
export * from './dicom/index.js';
export { dataError, dataErrors } from './errors.js';
export * from './inspect/index.js';
export * from './layouts/index.js';
export * from './nifti/index.js';
export type { Triple } from './orientation.js';
export * from './phantom/index.js';
export { type Postprocessing, postprocess, postprocessingSchema } from './postprocess.js';
export * from './preprocess/index.js';
export * from './profile/index.js';
export { RestoredLabels, type RestoreOptions } from './restore.js';
export { drawScene, type Scene } from './shapes.js';
export { batchOf, type SliceSource, sourceOfTensor, sourceOfVolume } from './slice-source.js';
export {
  byCase,
  type CaseSlices,
  countedMap,
  foregroundMaps,
  type LoadOptions,
  loadSlices,
  loadSlicesWithPauses,
  type PreparedCase,
  prepareLoaded,
  SlicePool,
  toSlices,
} from './slices.js';
export { describeSplit, foldCases, isWithheld, patientOf, type Split, type SplitOptions, splitCases } from './split.js';
export { assertSameGrid, type Grid, ignored, type Label, type Placed, shownClasses, type Volume } from './volume.js';
export { augmentWindows, type WindowAugmentation, windowAugmentationSchema } from './window-augment.js';
export {
  asImages,
  takeWindows,
  type WindowBatch,
  type WindowConfig,
  WindowPool,
  windowSchema,
  windowStarts,
} from './windows.js';
