/** What is worth knowing of one image and its label before anything is trained on them. */
import { type Storage, storageOf } from '../nifti/index.js';
import type { Orientation, Triple } from '../orientation.js';
import { percentiles } from '../preprocess/intensity.js';
import { ignored, type Label, type Placed, type Volume } from '../volume.js';
import { type CutEnd, cutEnds } from './cut-off.js';
import { type Histogram, histogramOf } from './histogram.js';

export interface ImageFacts extends Storage {
  /** Voxels [z, y, x] in RAS. */
  size: Triple;
  /** [z, y, x] in mm */
  spacing: Triple;
  /** Where the stored axes x, y and z lead: `PSR` is to Posterior, Superior and Right. */
  axes: string;
  /** The largest angle between an axis of the volume and the patient's, in degrees. */
  oblique: number;
  /** `HU` where the values can be Hounsfield units, as far as values alone can tell. */
  unit: 'HU' | 'arbitrary';
  intensity: { least: number; p1: number; median: number; p99: number; greatest: number };
  /** Over the percentiles 1 to 99. */
  histogram: Histogram;
  /** What the file's header leaves open, and how it was taken; absent where it is clear. */
  doubts?: string[];
}

export interface LabelFacts {
  /** Of every value but 0 that occurs, in ml. */
  millilitres: Record<number, number>;
  /** Where the mask stops although the structure seems to go on; absent where it does not. */
  cutOff?: CutEnd[];
}

/** @param volume at least one voxel */
export function imageFacts({ data, shape, spacing, affine, grid, doubts }: Volume): ImageFacts {
  let [least, greatest] = [data[0], data[0]];
  let whole = true;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value < least) least = value;
    if (value > greatest) greatest = value;
    if (whole && value !== Math.round(value)) whole = false;
  }
  const [p1, median, p99] = percentiles(data, [1, 50, 99]);
  const intensity = { least, p1, median, p99, greatest };
  // In a sparse image, such as one with the skull taken away, the percentiles can coincide.
  const [low, high] = p1 < p99 ? [p1, p99] : [least, greatest];
  return {
    size: shape,
    spacing,
    axes: axisCodes(grid.orientation),
    oblique: obliqueness(affine, spacing),
    ...storageOf(grid),
    unit: whole && canBeHounsfield(intensity) ? 'HU' : 'arbitrary',
    intensity,
    histogram: histogramOf(data, low, high),
    ...(doubts && { doubts }),
  };
}

/** @param image on the label's grid */
export function labelFacts(
  label: Pick<Label, 'data' | 'spacing' | 'hasIgnored'>,
  image: Pick<Volume, 'data' | 'shape' | 'spacing'>,
): LabelFacts {
  const { data, spacing, hasIgnored } = label;
  const counts = new Float64Array(256);
  for (let i = 0; i < data.length; i++) counts[data[i]]++;
  if (hasIgnored) counts[ignored] = 0;
  const voxel = (spacing[0] * spacing[1] * spacing[2]) / 1000;
  const present = [...counts.keys()].filter((value) => value > 0 && counts[value] > 0);
  const cutOff = cutEnds(image, label);
  return {
    millilitres: Object.fromEntries(present.map((value) => [value, counts[value] * voxel])),
    ...(cutOff.length > 0 && { cutOff }),
  };
}

/**
 * Fat is near -100 HU and air near -1000, padding reaches -3024; bone and metal stay below 3100. What has negative
 * values beyond that, as phase images have, is something else.
 */
const canBeHounsfield = ({ least, p1, median, p99 }: ImageFacts['intensity']) =>
  least <= -100 && p1 >= -3100 && median >= -1100 && median <= 1000 && p99 <= 3100;

/** The letters of the directions in which the stored axes run. */
export function axisCodes({ axes, flips }: Orientation): string {
  const letters = ['', '', ''];
  axes.forEach((stored, world) => {
    letters[stored] = (flips[world] ? 'LPI' : 'RAS')[world];
  });
  return letters.join('');
}

function obliqueness(affine: Placed['affine'], [dz, dy, dx]: Triple): number {
  const cosines = [affine[0] / dx, affine[5] / dy, affine[10] / dz];
  return (Math.acos(Math.min(1, ...cosines)) * 180) / Math.PI;
}
