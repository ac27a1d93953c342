/**
 * A case as a viewer or a report shows it: grey values, masks, and how far in mm the last model is from the reference; any
 * slice of it, and the places where it is furthest off.
 */
import { type Pausing, pause } from '../core/index.js';
import { type Label, shownClasses, type Triple, type Volume } from '../data/index.js';
import { disagreement } from '../metrics/index.js';
import type { Outlined, Plane, ReportSlice } from '../report/index.js';

/** First index, and the one after the last. */
type Range = readonly [from: number, to: number];
type Axis = 0 | 1 | 2;
export type Masks = Partial<Record<Outlined, Uint8Array>>;

/** [z, y, x] in RAS. */
export interface CaseView {
  shape: Triple;
  /** mm */
  spacing: Triple;
  /** 4x4 row-major: voxel index (x, y, z) -> world mm. */
  affine: number[];
  /** uint8, windowed. */
  grey: Uint8Array;
  /** Labels, uint8. */
  masks: [Outlined, Uint8Array][];
  /** Quarters of a millimetre from the reference where the last model differs from it, 255 at most; 0 elsewhere. */
  heat: Uint8Array | undefined;
  /** The surroundings of the structures. */
  box: [Range, Range, Range];
  /** The slices with most of the reference. */
  fullest: Triple;
}

/** The axis that a plane is perpendicular to, and those of its rows and columns, in [z, y, x]. */
const planes: Record<Plane, [across: Axis, rows: Axis, columns: Axis]> = {
  axial: [0, 1, 2],
  coronal: [1, 0, 2],
  sagittal: [2, 0, 1],
};

/** Around the structures, as a share of their longest extent; and the fewest voxels a side that show where they lie. */
const MARGIN = 0.3;
const FEWEST = 24;

/** @param masks labels uint8 [z, y, x] on the image's grid; the last is measured against the reference */
export function* viewOf(image: Volume, label: Label, masks: Masks): Pausing<CaseView> {
  // What counts for nothing is no structure.
  const truth = shownClasses(label);
  const all = Object.entries({ truth, ...masks }).filter(
    (entry): entry is [Outlined, Uint8Array] => entry[1] !== undefined,
  );
  // Without a reference, what the models found.
  const shown = all.find(([, mask]) => mask.some((value) => value > 0))?.[1] ?? truth;
  const { counts, box } = occupied(shown, image.shape);
  const { shape, spacing, affine } = image;
  const fullest = counts.map((one) => one.indexOf(one.reduce((a, b) => Math.max(a, b)))) as unknown as Triple;
  const last = all.at(-1)!;
  const measured = last[0] !== 'truth' && truth.some((value) => value > 0);
  yield pause;
  return {
    ...{ shape, spacing, affine, masks: all, fullest },
    box: widened(box, image),
    grey: windowed(image, fullest, widened(box, image)),
    heat: measured ? yield* heatOf(truth, last[1], image) : undefined,
  };
}

/** Of several structures each voxel has the greatest distance. */
function* heatOf(truth: Uint8Array, mask: Uint8Array, { shape, spacing }: Volume): Pausing<Uint8Array> {
  const heat = new Uint8Array(truth.length);
  for (const label of new Set([...new Set(truth), ...new Set(mask)].filter((value) => value > 0))) {
    const own = (values: Uint8Array) => values.map((value) => (value === label ? 1 : 0));
    const distances = yield* disagreement(own(truth), own(mask), shape, spacing);
    for (let i = 0; i < heat.length; i++)
      if (distances[i] > 0) heat[i] = Math.max(heat[i], Math.max(1, Math.min(255, Math.round(4 * distances[i]))));
  }
  return heat;
}

/**
 * The slices of all planes through a voxel, as radiologists see them.
 * @param whole not only the surroundings of the structures
 */
export function slicesAt(
  { shape, spacing, grey, masks, heat, box }: CaseView,
  at: Triple,
  whole = false,
): ReportSlice[] {
  const ranges = whole ? shape.map((size): Range => [0, size]) : box;
  const strides: Triple = [shape[1] * shape[2], shape[2], 1];
  return Object.entries(planes).map(([plane, [across, rows, columns]]) => {
    const [[top, bottom], [left, right]] = [ranges[rows], ranges[columns]];
    const [width, height] = [right - left, bottom - top];
    const offset = at[across] * strides[across];
    // In RAS the last index lies superior, anterior and at the patient's right: all of them come first here.
    const cut = (data: Uint8Array): Uint8Array => {
      const made = new Uint8Array(width * height);
      for (let row = 0, i = 0; row < height; row++)
        for (let column = 0; column < width; column++, i++)
          made[i] = data[offset + (bottom - 1 - row) * strides[rows] + (right - 1 - column) * strides[columns]];
      return made;
    };
    /** Whether a mask has more in this slice than is shown. */
    const goesOn = (mask: Uint8Array): boolean => {
      for (let row = 0; row < shape[rows]; row++)
        for (let column = 0; column < shape[columns]; column++) {
          const inside = row >= top && row < bottom && column >= left && column < right;
          if (!inside && mask[offset + row * strides[rows] + column * strides[columns]] > 0) return true;
        }
      return false;
    };
    return {
      ...{ plane: plane as Plane, width, height },
      pixelSpacing: [spacing[rows], spacing[columns]] as [number, number],
      image: cut(grey),
      masks: Object.fromEntries(masks.map(([key, mask]) => [key, cut(mask)])),
      cut: masks.filter(([, mask]) => goesOn(mask)).map(([key]) => key),
      ...(heat && { heat: cut(heat) }),
    };
  });
}

/** A place where the model is far from the reference. */
export interface Spot {
  at: Triple;
  mm: number;
}

/** Two spots are at least so far apart, in mm; and so many are named. */
const APART = 15;
const MOST = 30;

/** The furthest from the reference first. */
export function spotsOf({ heat, shape, spacing }: CaseView): Spot[] {
  if (!heat) return [];
  const [, height, width] = shape;
  const byHeat: number[][] = Array.from({ length: 256 }, () => []);
  for (let i = 0; i < heat.length; i++) if (heat[i] > 0) byHeat[heat[i]].push(i);
  const spots: Spot[] = [];
  for (let value = 255; value > 0 && spots.length < MOST; value--)
    for (const i of byHeat[value]) {
      const at: Triple = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
      const away = ({ at: other }: Spot) =>
        Math.hypot(...at.map((index, axis) => (index - other[axis]) * spacing[axis]));
      if (spots.length < MOST && spots.every((spot) => away(spot) > APART)) spots.push({ at, mm: value / 4 });
    }
  return spots;
}

/** For every axis how many labelled voxels lie at each index, and the range of indices that have some; all if none has. */
function occupied(data: Uint8Array, shape: Triple): { counts: Uint32Array[]; box: Range[] } {
  const counts = shape.map((size) => new Uint32Array(size));
  const [, height, width] = shape;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    const place = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
    for (const axis of [0, 1, 2]) counts[axis][place[axis]]++;
  }
  const box = counts.map((one): Range => {
    const first = one.findIndex((count) => count > 0);
    return first < 0 ? [0, one.length] : [first, one.findLastIndex((count) => count > 0) + 1];
  });
  return { counts, box };
}

/** The box with a margin, within the volume. */
function widened(box: readonly Range[], { shape, spacing }: Volume): CaseView['box'] {
  const longest = Math.max(...box.map(([from, to], axis) => (to - from) * spacing[axis]));
  const least = FEWEST * Math.min(...spacing);
  return box.map(([from, to], axis): Range => {
    const extent = (to - from) * spacing[axis];
    const margin = Math.ceil(Math.max(MARGIN * longest, (least - extent) / 2) / spacing[axis]);
    return [Math.max(0, from - margin), Math.min(shape[axis], to + margin)];
  }) as unknown as CaseView['box'];
}

/** One window for the whole case: what is black and what is white in the fullest slices. */
function windowed({ data, shape }: Volume, fullest: Triple, box: CaseView['box']): Uint8Array {
  const [, height, width] = shape;
  const values: number[] = [];
  for (let z = box[0][0]; z < box[0][1]; z++)
    for (let y = box[1][0]; y < box[1][1]; y++)
      for (let x = box[2][0]; x < box[2][1]; x++)
        for (let n = Number(z === fullest[0]) + Number(y === fullest[1]) + Number(x === fullest[2]); n > 0; n--)
          values.push(data[(z * height + y) * width + x]);
  const sorted = Float32Array.from(values).sort();
  const [low, high] = [sorted[Math.floor(sorted.length * 0.01)], sorted[Math.floor(sorted.length * 0.995)]];
  return Uint8Array.from(data, (value) => Math.max(0, Math.min(255, (255 * (value - low)) / (high - low || 1))));
}
