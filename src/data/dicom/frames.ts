/** The frames of a file: how many and how large they are, and where they lie. */
import type { Triple } from '../orientation.js';

/** One image of a file: all of it, or a frame of a multi-frame file. */
export interface Frame {
  /** The centre of the first pixel in mm, patient coordinates (x to the Left, y to Posterior, z to Head). */
  position: Triple | undefined;
  /** Unit vectors along a row (to the next column) and along a column (to the next row). */
  orientation: number[] | undefined;
  /** mm between rows, mm between columns. */
  pixelSpacing: number[] | undefined;
  /** What stored values stand for: `slope * stored + intercept`. */
  slope: number;
  intercept: number;
}

export interface Frames {
  rows: number;
  columns: number;
  frameCount: number;
  /** Distance of slices or their thickness as the header states it, mm. */
  sliceSpacing: number | undefined;
  /** Whether the slices follow each other against the normal of their plane. */
  backwards: boolean;
  /** One for each frame of which the header tells; fewer than `frameCount` where it does not tell of all. */
  frames: Frame[];
}
