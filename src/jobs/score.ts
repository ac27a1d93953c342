/** Scoring a model on labelled cases, on the grid of each case's own file and on the slices that the network sees. */

import { basename } from 'node:path';
import { masksOf } from '../adapt/index.js';
import type { Pause, Pausing, ProgressEvent } from '../core/index.js';
import {
  assertClasses,
  assertSameGrid,
  type Case,
  ignored,
  type Label,
  loadCaseWithPauses,
  niftiStem,
  type PreparedCase,
  planesOf,
  prepareLoaded,
  readCaseLabel,
  readLabel,
  sourceOfTensor,
  toSlices,
  type Volume,
  viewsOf,
  volumesIn,
} from '../data/index.js';
import {
  type CaseMeasures,
  type CaseScore,
  cutAlong,
  evaluateLabelsWithPauses,
  labelledExtent,
  meanOf,
  type ScoredExtent,
} from '../metrics/index.js';
import { type Adapter, type Segmenter, segmentVolumeWithPauses } from '../segmenter/index.js';
import { jobError } from './errors.js';

/** Segments a labelled case and measures the result. @param segment gives labels on the volume's grid */
export async function* scoreCase(
  one: Case,
  segment: (image: Volume) => Pausing<Uint8Array>,
  classes: readonly string[],
  toleranceMm: number,
): AsyncGenerator<Pause, CaseScore> {
  const { image, label } = yield* loadCaseWithPauses(one, { classes: classes.length + 1 });
  const { site, name, patient } = one;
  const measures = yield* measure(label!, yield* segment(image), classes, toleranceMm);
  return { site, name, ...(patient !== undefined && { patient }), classes: measures };
}

/** A label, or those of prepared slices. */
interface Labelled {
  /** uint8 [z, y, x] */
  data: Uint8Array;
  shape: [number, number, number];
  /** [z, y, x] in mm */
  spacing: [number, number, number];
}

/**
 * Measures a mask against the truth, without the voxels that count for nothing.
 * @param across the axis of [z, y, x] along which only the labelled extent is measured; default: all is
 */
export function* measure(
  truth: Labelled,
  prediction: Uint8Array,
  classes: readonly string[],
  toleranceMm: number,
  across?: number,
): Pausing<CaseScore['classes']> {
  const counts = (value: number, i: number) => (truth.data[i] === ignored ? 0 : value);
  let [data, mask] = truth.data.includes(ignored)
    ? [truth.data.map(counts), prediction.map(counts)]
    : [truth.data, prediction];
  let { shape, spacing } = truth;
  if (across !== undefined) {
    const extent = labelledExtent(data, shape, across);
    [data, mask] = [data, mask].map((values) => cutAlong(values, truth.shape, across, extent));
    shape = shape.with(across, extent[1] - extent[0]) as Labelled['shape'];
  }
  const numbers = classes.map((_, i) => i + 1);
  const measures = yield* evaluateLabelsWithPauses(data, mask, { shape, spacing, classes: numbers, toleranceMm });
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  return Object.fromEntries(
    classes.map((name, i) => {
      const entries = Object.entries(measures[i + 1]).map(([key, value]) => [key, finite(value)]);
      return [name, Object.fromEntries(entries)];
    }),
  );
}

/** `CASE` of `FOLDER/CASE.nii` or `FOLDER/CASE.nii.gz`; the whole name of files of other kinds. */
export const caseName = (path: string): string => niftiStem(path) ?? basename(path);

export const missingChoices = ['error', 'zero', 'skip'] as const;

export interface FolderOptions {
  /** The labels' value of voxels that count for nothing, where they have one. */
  ignore?: number | undefined;
  /** What a label without a mask is: a mistake, a mask of nothing, or no case. */
  missing?: (typeof missingChoices)[number];
}

export interface FolderScores {
  scores: Omit<CaseScore, 'site'>[];
  /** Names of the labels that have no mask. */
  missing: string[];
}

/**
 * Measures every mask of a folder against the label of the same name.
 *
 * @param predictions folder of masks @param labels folder of labels
 * @param classes names of the labels 1, 2, …
 * @param toleranceMm of the surface Dice, in mm
 * @returns a score for each pair, the generator's last value
 * @throws GraftError MASKS_MISSING, MASK_WITHOUT_LABEL, LABELS_WITHOUT_MASK, GRID_MISMATCH, LABEL_OUTSIDE_CLASSES
 */
export async function* scoreFolder(
  predictions: string,
  labels: string,
  classes: readonly string[],
  toleranceMm: number,
  { ignore, missing: choice = 'error' }: FolderOptions = {},
): AsyncGenerator<ProgressEvent, FolderScores> {
  const [masks, truths] = [predictions, labels].map((folder) => volumesIn(folder));
  if (masks.size === 0) throw jobError('MASKS_MISSING', { folder: predictions });
  const stray = [...masks].find(([name]) => !truths.has(name));
  if (stray) throw jobError('MASK_WITHOUT_LABEL', { mask: stray[1], folder: labels });
  const missing = [...truths.keys()].filter((name) => !masks.has(name));
  if (missing.length > 0 && choice === 'error')
    throw jobError('LABELS_WITHOUT_MASK', {
      ...{ folder: predictions, count: missing.length, total: truths.size, names: shownNames(missing) },
    });
  const names = [...truths.keys()].filter((name) => choice === 'zero' || masks.has(name));
  const scores: Omit<CaseScore, 'site'>[] = [];
  yield { kind: 'task', name: 'evaluate' };
  for (const name of names) {
    const truth = readCaseLabel(ignore === undefined ? {} : { ignore }, truths.get(name)!);
    assertClasses(truth, classes.length + 1);
    const path = masks.get(name);
    const mask = path === undefined ? new Uint8Array(truth.data.length) : maskOn(truth, path, classes);
    scores.push({ name, classes: yield* measure(truth, mask, classes, toleranceMm) });
    yield { kind: 'step', done: scores.length, total: names.length };
  }
  yield { kind: 'done', name: 'evaluate' };
  return { scores, missing };
}

function maskOn(truth: Label, path: string, classes: readonly string[]): Uint8Array {
  const mask = readLabel(path);
  assertSameGrid(truth, mask);
  assertClasses(mask, classes.length + 1);
  return mask.data;
}

/** The first of many names. */
export const shownNames = (names: readonly string[]): string =>
  names.slice(0, 10).join(', ') + (names.length > 10 ? ` and ${names.length - 10} more` : '');

/** Mean of a measure over cases and classes; Infinity where a distance is undefined. */
export function meanScore(scores: readonly CaseScore[], key: keyof CaseMeasures): number {
  const values = scores.flatMap(({ classes }) =>
    Object.values(classes).map((one) => one[key] ?? Number.POSITIVE_INFINITY),
  );
  return values.reduce((a, b) => a + b, 0) / values.length;
}

interface Scoring {
  classes: readonly string[];
  /** Of the surface Dice. */
  toleranceMm: number;
  /**
   * The slices that count, as the model cuts a volume into slices. Given, the surface Dice on the model's own slices is
   * measured, too; default: all slices, and the grid of the file alone.
   */
  scored?: ScoredExtent;
}

/**
 * Scores a model on labelled cases; it is left without an adapter.
 *
 * @param task what progress is called
 * @param adapterOf the adapter for a case; default: none
 */
export async function* scoreModel(
  task: string,
  model: Segmenter,
  cases: readonly Case[],
  { classes, toleranceMm, scored }: Scoring,
  adapterOf: (one: Case) => Adapter | undefined = () => undefined,
): AsyncGenerator<ProgressEvent, CaseScore[]> {
  yield { kind: 'task', name: task };
  const scores: CaseScore[] = [];
  let used: Adapter | undefined;
  try {
    for (const one of cases) {
      const adapter = adapterOf(one);
      if (adapter !== used) model.use(adapter);
      used = adapter;
      const segment = (image: Volume) => segmentVolumeWithPauses(model, image, { case: one });
      scores.push(
        yield* scored
          ? scoreOnBothGrids(model, one, segment, { classes, toleranceMm, scored })
          : scoreCase(one, segment, classes, toleranceMm),
      );
      yield { kind: 'step', done: scores.length, total: cases.length };
    }
  } finally {
    model.use(undefined);
  }
  return scores;
}

/**
 * As `scoreCase`, with the surface Dice on the slices that the network sees: there thick voxels have less effect. Of a model
 * of all planes it is the mean over the planes, and the labelled extent of the volume is that of axial slices.
 */
async function* scoreOnBothGrids(
  model: Segmenter,
  one: Case,
  segment: (image: Volume) => Pausing<Uint8Array>,
  { classes, toleranceMm, scored }: Required<Scoring>,
): AsyncGenerator<Pause, CaseScore> {
  const loaded = yield* loadCaseWithPauses(one, { classes: classes.length + 1 });
  const across = (axis: number) => (scored === 'all' ? undefined : axis);
  const onSlices: CaseScore['classes'][] = [];
  let plane = 0;
  for (const view of viewsOf(one, model.preprocessing)) {
    const prepared = yield* prepareLoaded(one, loaded, view);
    const { geometry, spacing, labels } = prepared;
    if (onSlices.length === 0) [plane] = planesOf(geometry);
    const truth = { data: labels!, shape: geometry.shape, spacing };
    onSlices.push(yield* measure(truth, yield* segmentSlices(model, one, prepared), classes, toleranceMm, across(0)));
  }
  const mask = yield* segment(loaded.image);
  const measures = yield* measure(loaded.label!, mask, classes, toleranceMm, across(plane));
  const both = classes.map((name) => {
    const surfaceDiceOnSlices = meanOf(onSlices.map((one) => one[name].surfaceDice!));
    return [name, { ...measures[name], surfaceDiceOnSlices }];
  });
  const { site, name, patient } = one;
  return { site, name, ...(patient !== undefined && { patient }), classes: Object.fromEntries(both) };
}

/** @returns uint8 [n, h, w] labels of the slices */
function* segmentSlices(model: Segmenter, one: Case, prepared: PreparedCase): Pausing<Uint8Array> {
  const { images } = toSlices(one, prepared);
  try {
    const masks = yield* masksOf(model, sourceOfTensor(images));
    const labels = new Uint8Array(images.shape[0] * images.shape[2] * images.shape[3]);
    for (const [c, mask] of masks.classes.entries())
      for (let i = 0; i < labels.length; i++) if (mask[i] !== 0) labels[i] = c + 1;
    return labels;
  } finally {
    images.dispose();
  }
}
