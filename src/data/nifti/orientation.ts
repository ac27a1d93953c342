/** Which way the voxels of a file lie, by its header alone. */
import { type Orientation, orientationOf, type Triple } from '../orientation.js';
import { openVolume } from './bytes.js';
import { parseHeader } from './header.js';

/**
 * @returns stored voxels along (x, y, z), and how the stored axes lie in RAS
 * @throws GraftError as `readVolume` where the header cannot be used
 */
export function readOrientation(path: string): { dims: Triple; orientation: Orientation } {
  const { head, packed } = openVolume(path);
  const { dims, affine } = parseHeader(path, head, packed);
  return { dims, orientation: orientationOf(affine) };
}
