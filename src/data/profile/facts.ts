/**
 * What can be said of an image and of a model's answer to it without a reference: how the image lies and how bright it
 * is, how much was segmented, how far that reaches, and how sure the model was.
 */
import type { Triple } from '../orientation.js';
import { percentiles, planesOf, type SliceGeometry } from '../preprocess/index.js';
import type { Volume } from '../volume.js';
import { tagsBeside } from './tags.js';

export interface ScanFacts {
  /** [z, y, x] in mm */
  spacing: Triple;
  /** Field of view, [z, y, x] in mm. */
  extent: Triple;
  /** The `quantileShares` of the voxels' intensities, before they are scaled. */
  quantiles?: readonly number[] | undefined;
  /** DICOM's word, such as MR; undefined where nothing says it. */
  modality?: string | undefined;
}

export interface MaskFacts {
  /** Of each class. */
  volumesMl: number[];
  /** How far what was segmented reaches, [z, y, x] in mm, without the outermost hundredth at either end; 0 where empty. */
  reach: Triple;
}

export interface CaseFacts extends ScanFacts, MaskFacts {
  /** Bits of entropy per segmented voxel. */
  entropy?: number | undefined;
  /** Dice of the early against the final head's masks, of a network with early heads. */
  heads?: number | undefined;
}

/** In percent. */
export const quantileShares = [1, 25, 50, 75, 99] as const;

/** Enough voxels to know quantiles by. */
const ENOUGH = 200_000;

/** The `quantileShares` of a volume's intensities; of a large volume those of evenly spaced voxels. */
export function quantilesOf(data: Float32Array): number[] {
  const step = Math.max(1, Math.floor(data.length / ENOUGH));
  const sample =
    step === 1 ? data : Float32Array.from({ length: Math.ceil(data.length / step) }, (_, i) => data[i * step]);
  return percentiles(sample, quantileShares);
}

const extentOf = (shape: Triple, spacing: Triple): Triple => [
  shape[0] * spacing[0],
  shape[1] * spacing[1],
  shape[2] * spacing[2],
];

export const scanFacts = ({ data, shape, spacing }: Pick<Volume, 'data' | 'shape' | 'spacing'>): ScanFacts => ({
  spacing,
  extent: extentOf(shape, spacing),
  quantiles: quantilesOf(data),
});

/** The same of a case whose slices alone are at hand. @param one.spacing of its slices, [slice distance, h, w] in mm */
export function scanFactsOfSlices({ case: one, geometry, spacing, quantiles }: SlicesFacts): ScanFacts {
  const native: Triple = [0, 0, 0];
  planesOf(geometry).forEach((dimension, i) => {
    native[dimension] = i === 0 ? spacing[0] : spacing[i] / geometry.step[i - 1];
  });
  const { modality } = tagsBeside(one.image);
  return { spacing: native, extent: extentOf(geometry.volume, native), quantiles, modality };
}
interface SlicesFacts {
  case: { image: string };
  geometry: SliceGeometry;
  spacing: Triple;
  quantiles?: readonly number[] | undefined;
}

/** Left out at either end of what was segmented: a stray voxel says nothing of its size. */
const STRAY = 0.01;

/** @param labels uint8 [z, y, x] @param classes number of classes without the background */
export function maskFacts(labels: Uint8Array, shape: Triple, spacing: Triple, classes: number): MaskFacts {
  const counts = new Float64Array(256);
  const along = shape.map((size) => new Float64Array(size));
  const [planes, rows, columns] = along;
  let i = 0;
  for (let z = 0; z < shape[0]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[2]; x++) {
        const label = labels[i++];
        if (label === 0) continue;
        counts[label]++;
        planes[z]++;
        rows[y]++;
        columns[x]++;
      }
  const voxel = spacing[0] * spacing[1] * spacing[2]; // mm³
  const [z, y, x] = along.map((histogram, axis) => reachOf(histogram) * spacing[axis]);
  return { volumesMl: Array.from({ length: classes }, (_, k) => (counts[k + 1] * voxel) / 1000), reach: [z, y, x] };
}

/** Voxels from the first to the last one, those of the outermost shares aside. */
function reachOf(histogram: Float64Array): number {
  const total = histogram.reduce((a, b) => a + b, 0);
  if (total === 0) return 0;
  const edge = (start: number, step: 1 | -1) => {
    let left = STRAY * total;
    let at = start;
    for (; histogram[at] <= left; at += step) left -= histogram[at];
    return at;
  };
  return edge(histogram.length - 1, -1) - edge(0, 1) + 1;
}
