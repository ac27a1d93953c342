/** How a volume lay in its file: what a person wants to know of a header before trusting it. */
import type { Grid } from '../volume.js';
import { type Placement, placementOf } from './affine.js';
import { readField } from './fields.js';
import { voxelTypes } from './types.js';

export interface Storage {
  /** Of the stored voxels, such as `int16`. */
  type: string;
  placedBy: Placement['placedBy'];
}

export function storageOf(grid: Grid): Storage {
  const [code] = readField(grid, 'datatype');
  return { type: voxelTypes[code].name, placedBy: placementOf(grid, grid.dims).placedBy };
}
