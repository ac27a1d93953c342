/** What a layout is, and what layouts share: looking into folders and files of names. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { type GraftError, isFolder, readFault, readRegularText, repeated, shownName } from '../../core/index.js';
import type { Case, Dataset } from '../dataset.js';
import { niftiStem } from '../nifti/index.js';
import { layoutError } from './errors.js';

/**
 * Takes a fault that was found. A run's throws it, so that nothing begins on half a data set; a check's keeps it and
 * reading goes on.
 */
export type Report = (fault: GraftError, one?: Pick<Case, 'site' | 'name'>) => void;

export const raise: Report = (fault) => {
  throw fault;
};

export interface Layout {
  /** Whether the folder or file looks like one. */
  recognises(root: string): boolean;
  /** Its cases in any order. @param options.masks of `DatasetOptions` */
  read(root: string, report: Report, options: { masks?: string }): { cases: Case[] } & Pick<Dataset, 'classes'>;
}

/** Names in a folder, sorted; none where there is no such folder. Hidden ones are passed over. */
export const visible = (folder: string): string[] =>
  isFolder(folder)
    ? readdirSync(folder)
        .filter((name) => !name.startsWith('.'))
        .sort()
    : [];

/** For messages. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return names.slice(0, 5).join(', ') + more;
}

/**
 * The volumes of a folder by case name, in the order of the names; none where there is no such folder.
 *
 * @throws GraftError DATASET_DUPLICATE_CASE, DATASET_NOT_NIFTI
 */
export function volumesIn(folder: string, report: Report = raise): Map<string, string> {
  const files = new Map<string, string>();
  for (const file of visible(folder)) {
    const name = niftiStem(file);
    if (name === undefined) continue;
    const [first, second] = [files.get(name), join(folder, file)];
    if (first) report(layoutError('DATASET_DUPLICATE_CASE', { first, second, name }));
    else files.set(name, second);
  }
  reportOthers(folder, files, report);
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Volumes of other programs, and pictures that could be meant as images. */
const otherVolumes = /\.(nrrd|nhdr|mha|mhd|mgz|mgh|mnc|hdr|img|npy|npz|h5|hdf5|nii\.(bz2|xz|zst|zip))$/i;
const pictures = /\.(png|jpe?g|tiff?|bmp|gif)$/i;

/**
 * Reports images that graft does not read and that would be missed: volumes that have no NIfTI file of their name beside
 * them, and pictures where there is no NIfTI file at all.
 */
function reportOthers(folder: string, known: ReadonlyMap<string, string>, report: Report): void {
  const others = othersIn(folder, known);
  if (others.length > 0) report(layoutError('DATASET_NOT_NIFTI', { place: folder, found: listed(others) }));
}

const othersIn = (folder: string, known: ReadonlyMap<string, string>) =>
  visible(folder).filter(
    (name) =>
      (otherVolumes.test(name) && !known.has(name.replace(otherVolumes, ''))) ||
      (known.size === 0 && pictures.test(name)),
  );

/** Reports a folder of images without any, unless `volumesIn` has said what is there instead. */
export function reportEmpty(folder: string, report: Report): void {
  if (othersIn(folder, new Map()).length > 0) return;
  report(layoutError('DATASET_EMPTY_SITE', { folder, found: listed(visible(folder)) }));
}

/** Reports a file that is listed as an image or label and is not NIfTI by its name. */
export function assertNifti(file: string, report: Report, one: Pick<Case, 'site' | 'name'>): void {
  if (niftiStem(file) === undefined)
    report(layoutError('DATASET_NOT_NIFTI', { place: file, found: basename(file) }), one);
}

/** All volumes below a folder, as paths relative to it, sorted. */
export function volumesBelow(folder: string, path = ''): string[] {
  return visible(join(folder, path)).flatMap((name) => {
    const inside = join(path, name);
    if (niftiStem(name)) return [inside];
    return isFolder(join(folder, inside)) ? volumesBelow(folder, inside) : [];
  });
}

/** Bytes: half a million cases. */
const largestList = 2 ** 27;

/** What a JSON file holds. @throws GraftError DATASET_LIST */
export function readList<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  const invalid = (problem: string, cause?: unknown) => layoutError('DATASET_LIST', { file, problem }, cause);
  let content: unknown;
  try {
    content = JSON.parse(readRegularText(file, largestList));
  } catch (error) {
    throw invalid(`is not JSON that can be read (${readFault(error)})`, error);
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw invalid(`${path.join('.') || 'the whole'}: ${message.replace(/^Invalid input: /, '')}`);
}

/** What a dataset.json says of the values of labels. */
export interface LabelNames {
  /** Names of the values 1, 2, …; absent where they are not such (nnU-Net's regions). */
  classes?: string[];
  /** The value that nnU-Net calls `ignore`: voxels that count for nothing. */
  ignore?: number;
}

/** `labels` of a Decathlon's or an nnU-Net's dataset.json, which name the number of a class or number its name. */
export const labelsSchema = z
  .record(z.string(), z.unknown())
  .default({})
  .transform((labels, context): LabelNames => {
    const numbered = Object.entries(labels).map(([key, value]): [number, string] =>
      /^\d+$/.test(key) ? [Number(key), String(value)] : [Number(value), key],
    );
    for (const [what, all] of [
      ['name', numbered.map(([, name]) => name)],
      ['number', numbered.map(([number]) => number).filter((number) => !Number.isNaN(number))],
    ] as const) {
      const twice = repeated<string | number>(all);
      if (twice !== undefined) context.addIssue(`two labels have the ${what} ${shownName(String(twice))}`);
    }
    const ignore = numbered.find(([number, name]) => name === 'ignore' && number > 0 && number <= 255)?.[0];
    const names = new Map(numbered.filter(([number]) => number !== ignore));
    const classes = Array.from({ length: names.size - (names.has(0) ? 1 : 0) }, (_, i) => names.get(i + 1));
    const complete = classes.length > 0 && classes.every((name) => name !== undefined);
    return { ...(complete && { classes: classes as string[] }), ...(ignore !== undefined && { ignore }) };
  });
