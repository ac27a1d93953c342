/**
 * A data set is sites, each with cases: an image, perhaps a label. How they lie on a disk is known to the layouts
 * (`layouts/`) and the benchmark sets (`benchmarks/`), which read names alone; `loadCase` reads the voxels.
 */
import { didYouMean, errorsOf, type Pause } from '../core/index.js';
import { datasetErrors } from './dataset-errors.js';
import { readLabel, readLabelWithPauses, readVolume, readVolumeWithPauses } from './nifti/index.js';
import { type Preprocessing, planes } from './preprocess/index.js';
import { assertSameGrid, ignored, type Label, type Volume } from './volume.js';

const datasetError = errorsOf(datasetErrors);

/** One scan of a data set: the files of its image and label, and what the set fixes for it. No voxels are read. */
export interface Case {
  site: string;
  /** In the plain layout the file name without `.nii` or `.nii.gz`; unique at its site. */
  name: string;
  /** Path of the image. */
  image: string;
  /** Path of the label, where there is one. */
  label?: string;
  /** Whose scan it is, where the layout says so; cases of one patient are never divided. */
  patient?: string;
  /** The part that the data set itself gives the case. */
  split?: 'train' | 'validation' | 'test';
  /** What the data set fixes for this case, whatever the recipe's preprocessing says. */
  preprocessing?: Partial<Pick<Preprocessing, 'axis' | 'intensity' | 'slices'>>;
  /** Greater values of the label count as this class, where the data set merges what its label tells apart. */
  greatestLabel?: number;
  /** The label's value of voxels that count for nothing, where the data set has one. */
  ignore?: number;
}

/** The preprocessing of one case: the recipe's, but for what the data set fixes. */
export const preprocessingOf = (one: Pick<Case, 'preprocessing'>, preprocessing: Preprocessing): Preprocessing => ({
  ...preprocessing,
  ...one.preprocessing,
});

/** How a case's slices are prepared: in one way, or where it has slices of all planes in one for each plane. */
export function viewsOf(one: Pick<Case, 'preprocessing'>, preprocessing: Preprocessing): Preprocessing[] {
  const own = preprocessingOf(one, preprocessing);
  return own.axis === 'all' ? planes.map((axis) => ({ ...own, axis })) : [own];
}

/** A hospital or a scanner, and its cases. */
export interface Site {
  name: string;
  /** Sorted by name. */
  cases: Case[];
}

/** A data set: its sites with their cases, as `readDataset` and `readBenchmark` find them. */
export interface Dataset {
  /** Folder, or the table of a CSV data set. */
  root: string;
  /** Sorted by name. */
  sites: Site[];
  /** Names of the labels 1, 2, …, where the data set says them. */
  classes?: string[];
}

/**
 * The site of that name.
 *
 * @throws GraftError DATASET_UNKNOWN_SITE, which suggests the nearest name
 */
export function siteOf(dataset: Dataset, name: string): Site {
  const site = dataset.sites.find((candidate) => candidate.name === name);
  if (site !== undefined) return site;
  const names = dataset.sites.map((candidate) => candidate.name);
  throw datasetError('DATASET_UNKNOWN_SITE', {
    root: dataset.root,
    name,
    sites: names.join(', '),
    suggestion: didYouMean(name, names),
  });
}

export interface LoadedCase {
  image: Volume;
  /** Absent where the case has no label. */
  label?: Label;
}

/**
 * Reads a case and checks that image and label lie on the same grid and that the label's values are below `classes`,
 * the number of classes with the background.
 *
 * @throws GraftError LABEL_OUTSIDE_CLASSES, and what `readVolume`, `readLabel` and `assertSameGrid` throw
 */
export function loadCase(one: Case, { classes }: { classes: number }): LoadedCase {
  const image = readVolume(one.image);
  if (one.label === undefined) return { image };
  const label = readCaseLabel(one, one.label);
  assertSameGrid(image, label);
  assertClasses(label, classes);
  return { image, label };
}

/** `loadCase` as work that can be interrupted. */
export async function* loadCaseWithPauses(
  one: Case,
  { classes }: { classes: number },
): AsyncGenerator<Pause, LoadedCase> {
  const image = yield* readVolumeWithPauses(one.image);
  if (one.label === undefined) return { image };
  const label = asCounted(one, yield* readLabelWithPauses(one.label));
  assertSameGrid(image, label);
  assertClasses(label, classes);
  return { image, label };
}

/**
 * A case's label, with the classes that its data set merges merged, and `ignored` where it says that voxels count for
 * nothing.
 */
export const readCaseLabel = (one: Counting, path: string): Label => asCounted(one, readLabel(path));

type Counting = Pick<Case, 'greatestLabel' | 'ignore'>;

function asCounted({ greatestLabel: greatest, ignore }: Counting, label: Label): Label {
  if (ignore !== undefined) return withIgnored(label, ignore);
  if (greatest === undefined) return label;
  return { ...label, data: label.data.map((value) => Math.min(value, greatest)) };
}

/** @param ignore the value of voxels that count for nothing @throws GraftError LABEL_OUTSIDE_CLASSES for 255 beside it */
function withIgnored(label: Label, ignore: number): Label {
  const { path, data } = label;
  const voxels = ignore === ignored ? 0 : data.reduce((sum, value) => sum + (value === ignored ? 1 : 0), 0);
  if (voxels > 0) throw datasetError('LABEL_OUTSIDE_CLASSES', { file: path, voxels, value: ignored, highest: ignore });
  return { ...label, data: data.map((value) => (value === ignore ? ignored : value)), hasIgnored: true };
}

/** @param classes number of classes with the background @throws GraftError LABEL_OUTSIDE_CLASSES */
export function assertClasses({ path, data, hasIgnored }: Label, classes: number): void {
  const counts = new Uint32Array(256);
  for (const value of data) counts[value]++;
  if (hasIgnored) counts[ignored] = 0;
  const value = counts.findIndex((count, value) => value >= classes && count > 0);
  if (value >= 0)
    throw datasetError('LABEL_OUTSIDE_CLASSES', { file: path, voxels: counts[value], value, highest: classes - 1 });
}
