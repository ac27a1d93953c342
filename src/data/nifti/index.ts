/** NIfTI-1 and NIfTI-2 files. */
export { niftiStem } from './file-name.js';
export { nrrdFileWithPauses } from './nrrd.js';
export { readOrientation } from './orientation.js';
export { readLabel, readLabelWithPauses, readPlace, readVolume, readVolumeWithPauses, volumeOfBytes } from './read.js';
export { type Storage, storageOf } from './storage.js';
export { maskFileWithPauses, volumeFile, writeMask, writeMaskWithPauses, writeVolume } from './write.js';
