/**
 * Masks as NRRD, which 3D Slicer and OHIF ask for (teem.sourceforge.net/nrrd/format.html).
 *
 * Left out: reading, and anything but masks.
 */
import type { Pause } from '../../core/index.js';
import { column, determinant, type Orientation, storedAffine, type Triple } from '../orientation.js';
import type { Placed } from '../volume.js';
import { packedWithPauses, storedSlices } from './write.js';

export interface NrrdOptions {
  packed: boolean;
  /**
   * Rows in the order of DICOM's images. dcm2niix turns them round, and a viewer that shows the images takes the voxels of
   * a mask in their order, whatever its header says.
   */
  asDicom: boolean;
}

/**
 * The bytes of a mask's file, on the grid of its image.
 *
 * @param data uint8 [z, y, x] in RAS, as the image was read
 */
export async function* nrrdFileWithPauses(
  data: Uint8Array,
  { affine, grid: { dims, orientation } }: Pick<Placed, 'affine' | 'grid'>,
  { packed, asDicom }: NrrdOptions,
): AsyncGenerator<Pause, Uint8Array[]> {
  const mirrored = asDicom && determinant(storedAffine(affine, dims, orientation)) < 0;
  const stored = mirrored ? withRowsTurned(orientation) : orientation;
  const placed = storedAffine(affine, dims, stored);
  // From RAS to LPS.
  const vector = ([x, y, z]: Triple) => `(${[-x, -y, z].map((part) => part + 0).join(',')})`;
  const header = [
    'NRRD0004',
    'type: uint8',
    'dimension: 3',
    'space: left-posterior-superior',
    `sizes: ${dims.join(' ')}`,
    `space directions: ${[0, 1, 2].map((axis) => vector(column(placed, axis))).join(' ')}`,
    'kinds: domain domain domain',
    `encoding: ${packed ? 'gzip' : 'raw'}`,
    `space origin: ${vector(column(placed, 3))}`,
  ];
  const voxels = yield* packedWithPauses(storedSlices(data, { dims, orientation: stored }), packed);
  return [Buffer.from(`${header.join('\n')}\n\n`, 'latin1'), ...voxels];
}

/** The same grid, stored with its second axis the other way round. */
function withRowsTurned({ axes, flips }: Orientation): Orientation {
  const turned = flips.map((flip, world) => (axes[world] === 1 ? !flip : flip)) as Orientation['flips'];
  return { axes, flips: turned };
}
