/** NIfTI-1 and NIfTI-2 files. */
export { readLabel, readVolume } from './read.js';
export { writeMask, writeVolume } from './write.js';
