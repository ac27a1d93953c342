/**
 * A data set is sites, each with cases (an image, perhaps a label), found by the plain layout
 * `ROOT/SITE/{images,labels}/CASE.nii.gz` (or `.nii`). Only the names are read here; `loadCase` reads the voxels.
 *
 * Files of other kinds, hidden files, and folders with neither `images` nor `labels` are passed over.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorsOf, nearest } from '../core/index.js';
import { datasetErrors } from './dataset-errors.js';
import { readLabel, readVolume } from './nifti/index.js';
import { assertSameGrid, type Label, type Volume } from './volume.js';

const datasetError = errorsOf(datasetErrors);

export interface Case {
  site: string;
  /** The file name without `.nii` or `.nii.gz`. */
  name: string;
  /** Path of the image. */
  image: string;
  /** Path of the label, where there is one. */
  label?: string;
}

export interface Site {
  name: string;
  /** Sorted by name. */
  cases: Case[];
}

export interface Dataset {
  root: string;
  /** Sorted by name. */
  sites: Site[];
}

/**
 * Finds the sites and cases below `root`.
 *
 * @throws GraftError DATASET_NOT_FOUND, DATASET_NO_SITES, DATASET_EMPTY_SITE, DATASET_LABEL_WITHOUT_IMAGE,
 * DATASET_DUPLICATE_CASE
 */
export function readDataset(root: string): Dataset {
  if (!isFolder(root)) throw datasetError('DATASET_NOT_FOUND', { root });
  const sites = visible(root).filter((name) => ['images', 'labels'].some((kind) => isFolder(join(root, name, kind))));
  if (sites.length === 0) throw datasetError('DATASET_NO_SITES', { root, found: listed(visible(root)) });
  return { root, sites: sites.map((name) => ({ name, cases: readSite(root, name) })) };
}

function readSite(root: string, site: string): Case[] {
  const folder = join(root, site, 'images');
  const images = volumesIn(folder);
  const labels = volumesIn(join(root, site, 'labels'));
  for (const [name, label] of labels)
    if (!images.has(name)) throw datasetError('DATASET_LABEL_WITHOUT_IMAGE', { label, images: folder });
  if (images.size === 0)
    throw datasetError('DATASET_EMPTY_SITE', { folder, found: listed(isFolder(folder) ? visible(folder) : []) });
  return [...images].map(([name, image]) => {
    const label = labels.get(name);
    return { site, name, image, ...(label !== undefined && { label }) };
  });
}

/**
 * The volumes of a folder by case name, in the order of the names; none where there is no such folder.
 * @throws GraftError DATASET_DUPLICATE_CASE
 */
export function volumesIn(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  if (!isFolder(folder)) return files;
  for (const file of visible(folder)) {
    const name = /^(.+)\.nii(\.gz)?$/.exec(file)?.[1];
    if (name === undefined) continue;
    if (files.has(name)) throw datasetError('DATASET_DUPLICATE_CASE', { folder, name });
    files.set(name, join(folder, file));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
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
    nearest: nearest(name, names),
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
export function loadCase({ image: imagePath, label: labelPath }: Case, { classes }: { classes: number }): LoadedCase {
  const image = readVolume(imagePath);
  if (labelPath === undefined) return { image };
  const label = readLabel(labelPath);
  assertSameGrid(image, label);
  assertClasses(label, classes);
  return { image, label };
}

/** @param classes number of classes with the background @throws GraftError LABEL_OUTSIDE_CLASSES */
export function assertClasses({ path, data }: Label, classes: number): void {
  const counts = new Uint32Array(256);
  for (const value of data) counts[value]++;
  const value = counts.findIndex((count, value) => value >= classes && count > 0);
  if (value >= 0)
    throw datasetError('LABEL_OUTSIDE_CLASSES', { file: path, voxels: counts[value], value, highest: classes - 1 });
}

const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory();

const visible = (folder: string) =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort();

function listed(names: string[]): string {
  if (names.length === 0) return 'nothing';
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return names.slice(0, 5).join(', ') + more;
}
