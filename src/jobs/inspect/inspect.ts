/** Looks at every image of a folder, one after another, and says what a person should know before training. */
import { rmSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import type { ProgressEvent } from '../../core/index.js';
import { errorsOf, GraftError, type Pause, pause, writeFileAtomic } from '../../core/index.js';
import {
  type DataWarning,
  datasetErrors,
  hounsfieldWindow,
  type ImageFacts,
  type Inspected,
  imageFacts,
  type LabelFacts,
  labelFacts,
  panesOf,
  type SiteFacts,
  shownClasses,
  siteFacts,
  warningsOf,
} from '../../data/index.js';
import { drawSheet, paneSide, type Tile } from './sheet.js';
import type { Fault, Series, Source, Sources } from './source.js';
import { findSources, type SourceOptions } from './sources.js';

const datasetError = errorsOf(datasetErrors);

export interface InspectedCase {
  site: string;
  name: string;
  /** Where it comes from DICOM. */
  series?: Series;
  /** How many volumes it holds; the facts are those of the first. */
  volumes: number;
  /** Absent where the image cannot be read. */
  image?: ImageFacts;
  /** Absent where there is no label, or none that can be used. */
  label?: LabelFacts;
  faults: Fault[];
}

export interface Inspection extends Pick<Sources, 'kind' | 'classes' | 'faults' | 'notes'> {
  root: string;
  cases: InspectedCase[];
  sites: SiteFacts[];
  warnings: DataWarning[];
  /** The contact sheet, where one was drawn, or the first of several. */
  sheet: string | null;
  /** All of them. */
  sheets: string[];
}

/** Cases on one sheet. More would be a picture that few programs open, and memory would grow with the data set. */
export const casesOnSheet = 100;
const title =
  "Every case axial, coronal, sagittal: in the middle, or where the label is largest. R: the patient's right, A: front.";

/**
 * Looks at every image and label of a folder: facts by case and site, warnings, and a contact sheet. What is kept of a
 * case are its facts, some kilobytes; slices go to a sheet as soon as it is full.
 *
 * @param root a data set, or any folder with DICOM or NIfTI files
 * @param options.sheet PNG file for the contact sheet; null for none. Further sheets are called NAME-2.png, …; those that
 *   an earlier look at more cases left beyond the last are removed
 * @param options.layout as in `checkDataset`: a layout or benchmark set; default: what the folder looks like
 * @throws GraftError where there is nothing to look at, WRITE_FAILED; files that cannot be read are faults of their case
 */
export async function* inspectFolder(
  root: string,
  { sheet = null, ...options }: { sheet?: string | null } & SourceOptions = {},
): AsyncGenerator<ProgressEvent, Inspection> {
  const { kind, root: shown, sources, classes, faults, notes } = yield* findSources(root, options);
  yield { kind: 'task', name: 'inspect', total: sources.length };
  const cases: InspectedCase[] = [];
  const sheets: string[] = [];
  let tiles: Tile[] = [];
  for (const source of sources) {
    const { tile, ...one } = yield* inspectSource(source);
    cases.push(one);
    yield { kind: 'step', done: cases.length, total: sources.length };
    if (sheet === null) continue;
    tiles.push(tile);
    if (tiles.length < casesOnSheet && cases.length < sources.length) continue;
    const file = sheets.length === 0 ? sheet : numbered(sheet, sheets.length + 1);
    writeFileAtomic(file, drawSheet(title, tiles));
    sheets.push(file);
    tiles = [];
    yield pause;
  }
  if (sheet !== null) removeFurther(sheet, sheets.length + 1);
  yield { kind: 'done', name: 'inspect' };

  const readable = cases.flatMap(({ image, ...one }): Inspected[] => (image ? [{ ...one, image }] : []));
  const sites = siteFacts(readable);
  const found = { kind, ...(classes && { classes }), faults: faults.map(asFault), notes: notes.map(asFault) };
  return { root: shown, ...found, cases, sites, warnings: warningsOf(readable, sites, classes), sheet, sheets };
}

/** `sheet-2.png` of `sheet.png`. */
function numbered(file: string, number: number): string {
  const ending = extname(file);
  return `${file.slice(0, file.length - ending.length)}-${number}${ending}`;
}

/** Removes the sheets of an earlier inspection from this number on: sheets are numbered without gaps. */
function removeFurther(sheet: string, from: number): void {
  for (let number = from; statSync(numbered(sheet, number), { throwIfNoEntry: false })?.isFile(); number++)
    rmSync(numbered(sheet, number));
}

async function* inspectSource(source: Source): AsyncGenerator<Pause, InspectedCase & { tile: Tile }> {
  const { site, name, series } = source;
  const faults = source.faults.map(asFault);
  const volumes = (await attempt(() => source.images(), faults)) ?? [];
  const one = { site, name, ...(series && { series }), volumes: volumes.length, faults };
  const [volume] = volumes;
  if (!volume) return { ...one, tile: { site, name, caption: faults[0].code, faulty: true, panes: [] } };

  yield pause;
  const label = await attempt(() => source.label(volume), faults);
  yield pause;
  const image = imageFacts(volume);
  yield pause;
  // A header knows what values alone can only suggest.
  if (series) image.unit = series.modality === 'CT' ? 'HU' : 'arbitrary';
  const { least, greatest } = image.intensity;
  if (least === greatest)
    faults.push(asFault(datasetError('VOLUME_CONSTANT', { file: volume.path, measure: `every voxel is ${least}` })));
  const tile: Tile = {
    site,
    name,
    caption: faults[0]?.code ?? captionOf(image),
    faulty: faults.length > 0,
    panes: panesOf(volume, label && { data: shownClasses(label) }, windowOf(image), paneSide),
  };
  return { ...one, image, ...(label && { label: labelFacts(label, volume) }), tile };
}

async function attempt<Value>(read: () => Value, faults: Fault[]): Promise<Awaited<Value> | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    // A series that cannot be converted says again what its headers told.
    if (!faults.some(({ message }) => message === error.message)) faults.push(asFault(error));
    return undefined;
  }
}

const asFault = ({ code, message, hint }: Fault): Fault => ({ code, message, hint });

const windowOf = ({ unit, histogram }: ImageFacts) => (unit === 'HU' ? hounsfieldWindow : histogram);

function captionOf({ size, spacing, axes }: ImageFacts): string {
  const [z, y, x] = spacing.map((side) => Number(side.toPrecision(3)));
  return `${size[2]} x ${size[1]} x ${size[0]} voxels of ${x} x ${y} x ${z} mm, ${axes}`;
}
