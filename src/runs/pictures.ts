/** Pictures for a report: which cases to show, their slices as they are displayed, and their surfaces. */
import type { Label, Triple, Volume } from '../data/index.js';
import { drawSurfaces, type Outlined, type Plane, type ReportSlice, type ReportSurface } from './report/index.js';

/** The best, the median and the worst of cases that are sorted, the best first; each once. */
export function bestMedianWorst<Scored>(
  sorted: readonly Scored[],
): { which: 'best' | 'median' | 'worst'; one: Scored }[] {
  const places = [
    ['best', 0],
    ['median', Math.floor((sorted.length - 1) / 2)],
    ['worst', sorted.length - 1],
  ] as const;
  return places
    .filter(([, place], i) => place >= 0 && places.findIndex(([, other]) => other === place) === i)
    .map(([which, place]) => ({ which, one: sorted[place] }));
}

type Masks = Omit<ReportSlice['masks'], 'truth'>;

/** The axis that a plane is perpendicular to, and those of its rows and columns, in [z, y, x]. */
const planes: Record<Plane, [across: 0 | 1 | 2, rows: 0 | 1 | 2, columns: 0 | 1 | 2]> = {
  axial: [0, 1, 2],
  coronal: [1, 0, 2],
  sagittal: [2, 0, 1],
};

/** Of every plane the slice with most truth, as radiologists see it. */
export function display(image: Volume, label: Label, masks: Masks): ReportSlice[] {
  const all = Object.entries({ truth: label.data, ...masks }).filter(([, mask]) => mask !== undefined);
  const slices = Object.entries(planes).map(([plane, [across, rows, columns]]) => {
    const at = fullest(label, across);
    // In RAS the last index lies superior, anterior and at the patient's right: all of them come first here.
    const cut = <A extends Uint8Array | Float32Array>(data: A, made: A): A => {
      const { strides, width, height } = geometry(image.shape, across, rows, columns);
      for (let row = 0, i = 0; row < height; row++)
        for (let column = 0; column < width; column++, i++)
          made[i] =
            data[at * strides[across] + (height - 1 - row) * strides[rows] + (width - 1 - column) * strides[columns]];
      return made;
    };
    const { width, height } = geometry(image.shape, across, rows, columns);
    const size = width * height;
    return {
      ...{ plane: plane as Plane, width, height },
      pixelSpacing: [image.spacing[rows], image.spacing[columns]] as [number, number],
      grey: cut(image.data, new Float32Array(size)),
      masks: Object.fromEntries(all.map(([key, mask]) => [key, cut(mask as Uint8Array, new Uint8Array(size))])),
    };
  });
  const [low, high] = windowOf(slices.map(({ grey }) => grey));
  return slices.map(({ grey, ...rest }) => ({
    ...rest,
    image: Uint8Array.from(grey, (value) => Math.max(0, Math.min(255, (255 * (value - low)) / (high - low || 1)))),
  }));
}

function geometry(shape: Triple, across: number, rows: number, columns: number) {
  const strides: Triple = [shape[1] * shape[2], shape[2], 1];
  return { strides, across, height: shape[rows], width: shape[columns] };
}

/** The index along an axis with most labelled voxels. */
function fullest({ data, shape }: Label, axis: number): number {
  const counts = new Uint32Array(shape[axis]);
  const [, height, width] = shape;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    const place = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
    counts[place[axis]]++;
  }
  return counts.indexOf(counts.reduce((a, b) => Math.max(a, b)));
}

/** One window for all slices of a case: what is black and what is white. */
function windowOf(slices: readonly Float32Array[]): [low: number, high: number] {
  const sorted = Float32Array.from(slices.flatMap((one) => [...one])).sort();
  return [sorted[Math.floor(sorted.length * 0.01)], sorted[Math.floor(sorted.length * 0.995)]];
}

/** The reference and one model's prediction in three dimensions, from two sides. */
export function surfacesOf(label: Label, of: Outlined, prediction: Uint8Array, toleranceMm: number): ReportSurface[] {
  return drawSurfaces(label, { truth: label.data, [of]: prediction }, toleranceMm);
}
