/** How a volume lay in its file: what a person wants to know of a header before trusting it. */
import type { Grid } from '../volume.js';
import { readField } from './fields.js';
import { voxelTypes } from './types.js';

export interface Storage {
  /** Of the stored voxels, such as `int16`. */
  type: string;
  /** Where the affine comes from; with `voxel sizes` the header says nothing of the patient's left and right. */
  placedBy: 'sform' | 'qform' | 'voxel sizes';
}

export function storageOf(grid: Grid): Storage {
  const [code] = readField(grid, 'datatype');
  const set = (name: 'sformCode' | 'qformCode') => readField(grid, name)[0] > 0;
  return {
    type: voxelTypes[code].name,
    placedBy: set('sformCode') ? 'sform' : set('qformCode') ? 'qform' : 'voxel sizes',
  };
}
