/** Pictures for a report: which cases to show, and their slices as they are displayed. */
import type { Pausing } from '../core/index.js';
import { type Case, type Label, loadCase, shownClasses, type Triple, type Volume } from '../data/index.js';
import { disposeState } from '../nn/index.js';
import {
  change,
  fixed,
  type Outlined,
  type Panel,
  type PanelGroup,
  type Plane,
  type ReportSlice,
} from '../report/index.js';
import { loadAdapter, loadSegmenter, type Segmenter, segmentVolumeWithPauses } from '../segmenter/index.js';
import type { RunFiles } from './folder.js';
import { modelPath } from './tasks.js';

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

/** A case that a report may show. */
interface Candidate {
  one: Case;
  /** What it is called. */
  name: string;
  /** What tables call it. */
  caseName: string;
  seed: number;
  score: number;
  /** By the model that it is compared with, where there is one. */
  before: number | undefined;
  /** Whose outlines, each with the file of its adapter below the run's folder; null: the model of the seed as it is. */
  outlines: { of: Outlined; adapter: string | null }[];
}
type Shown = Omit<Panel, 'slices'> & Candidate;

/** The best, the median and the worst case. @param models what the two that scored are called */
export const shownOf = (candidates: readonly Candidate[], [now, then]: readonly [string, string]): Shown[] =>
  bestMedianWorst([...candidates].sort((a, b) => b.score - a.score)).map(({ which, one }) => ({
    ...{ ...one, which },
    lines: [
      `${now} ${fixed(one.score)}`,
      ...(one.before === undefined ? [] : [`${then} ${fixed(one.before)}, change ${change(one.score, one.before)}`]),
    ],
  }));

/** The groups with their pictures; the model of each seed is read once, one at a time. @param classes how many */
export function* picturesOf(
  files: RunFiles,
  groups: readonly { title: string; shown: readonly Shown[] }[],
  classes: number,
): Pausing<PanelGroup[]> {
  const all = groups.flatMap(({ shown }) => shown);
  const slices = new Map<Shown, ReportSlice[]>();
  for (const seed of new Set(all.map((shown) => shown.seed))) {
    const model = loadSegmenter(files.file(modelPath(seed)));
    try {
      for (const shown of all.filter((one) => one.seed === seed))
        slices.set(shown, yield* draw(model, shown, files, classes));
    } finally {
      model.dispose();
    }
  }
  return groups.map(({ title, shown }) => ({
    title,
    panels: shown.map((one) => {
      const { which, name, caseName, lines } = one;
      return { which, name, caseName, lines, slices: slices.get(one)! };
    }),
  }));
}

function* draw(model: Segmenter, { one, outlines }: Shown, files: RunFiles, classes: number): Pausing<ReportSlice[]> {
  const { image, label } = loadCase(one, { classes: classes + 1 });
  const masks: ReportSlice['masks'] = {};
  for (const { of, adapter: file } of outlines) {
    const adapter = file === null ? undefined : loadAdapter(files.file(file));
    model.use(adapter);
    masks[of] = yield* segmentVolumeWithPauses(model, image, { case: one });
    if (adapter) disposeState(adapter.state);
  }
  model.use(undefined);
  return display(image, label!, masks);
}

type Masks = Omit<ReportSlice['masks'], 'truth'>;
type Axis = 0 | 1 | 2;
/** First index, and the one after the last. */
type Range = readonly [from: number, to: number];

/** The axis that a plane is perpendicular to, and those of its rows and columns, in [z, y, x]. */
const planes: Record<Plane, [across: Axis, rows: Axis, columns: Axis]> = {
  axial: [0, 1, 2],
  coronal: [1, 0, 2],
  sagittal: [2, 0, 1],
};

/** Around the structures, as a share of their longest extent; and the fewest voxels a side that show where they lie. */
const MARGIN = 0.3;
const FEWEST = 24;

/**
 * Of every plane the slice with most truth, as radiologists see it, cut to the surroundings of the truth: a structure of
 * thirty voxels fills the picture that a head does.
 *
 * @param masks labels uint8 [z, y, x] on the image's grid
 */
export function display(image: Volume, label: Label, masks: Masks): ReportSlice[] {
  // What counts for nothing is no structure.
  const truth = shownClasses(label);
  const all = Object.entries({ truth, ...masks }).filter(
    (entry): entry is [Outlined, Uint8Array] => entry[1] !== undefined,
  );
  // Without a reference, what the models found.
  const shown = all.find(([, mask]) => mask.some((value) => value > 0))?.[1] ?? truth;
  const { counts, box } = occupied(shown, image.shape);
  const ranges = widened(box, image);
  const { shape } = image;
  const strides: Triple = [shape[1] * shape[2], shape[2], 1];
  const slices = Object.entries(planes).map(([plane, [across, rows, columns]]) => {
    const at = counts[across].indexOf(counts[across].reduce((a, b) => Math.max(a, b)));
    const [[top, bottom], [left, right]] = [ranges[rows], ranges[columns]];
    const [width, height] = [right - left, bottom - top];
    // In RAS the last index lies superior, anterior and at the patient's right: all of them come first here.
    const cut = <A extends Uint8Array | Float32Array>(data: A, made: A): A => {
      for (let row = 0, i = 0; row < height; row++)
        for (let column = 0; column < width; column++, i++)
          made[i] =
            data[at * strides[across] + (bottom - 1 - row) * strides[rows] + (right - 1 - column) * strides[columns]];
      return made;
    };
    /** Whether a mask has more in this slice than is shown. */
    const goesOn = (mask: Uint8Array): boolean => {
      for (let row = 0; row < shape[rows]; row++)
        for (let column = 0; column < shape[columns]; column++) {
          const inside = row >= top && row < bottom && column >= left && column < right;
          if (!inside && mask[at * strides[across] + row * strides[rows] + column * strides[columns]] > 0) return true;
        }
      return false;
    };
    const size = width * height;
    return {
      ...{ plane: plane as Plane, width, height },
      pixelSpacing: [image.spacing[rows], image.spacing[columns]] as [number, number],
      grey: cut(image.data, new Float32Array(size)),
      masks: Object.fromEntries(all.map(([key, mask]) => [key, cut(mask, new Uint8Array(size))])),
      cut: all.filter(([, mask]) => goesOn(mask)).map(([key]) => key),
    };
  });
  const [low, high] = windowOf(slices.map(({ grey }) => grey));
  return slices.map(({ grey, ...rest }) => ({
    ...rest,
    image: Uint8Array.from(grey, (value) => Math.max(0, Math.min(255, (255 * (value - low)) / (high - low || 1)))),
  }));
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
function widened(box: readonly Range[], { shape, spacing }: Volume): Range[] {
  const longest = Math.max(...box.map(([from, to], axis) => (to - from) * spacing[axis]));
  const least = FEWEST * Math.min(...spacing);
  return box.map(([from, to], axis) => {
    const extent = (to - from) * spacing[axis];
    const margin = Math.ceil(Math.max(MARGIN * longest, (least - extent) / 2) / spacing[axis]);
    return [Math.max(0, from - margin), Math.min(shape[axis], to + margin)];
  });
}

/** One window for all slices of a case: what is black and what is white. */
function windowOf(slices: readonly Float32Array[]): [low: number, high: number] {
  const sorted = Float32Array.from(slices.flatMap((one) => [...one])).sort();
  return [sorted[Math.floor(sorted.length * 0.01)], sorted[Math.floor(sorted.length * 0.995)]];
}
