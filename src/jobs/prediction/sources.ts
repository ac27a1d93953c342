/** The images that paths name: NIfTI files, DICOM series, and folders of either. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { isFolder } from '../../core/index.js';
import {
  assertSeries,
  type DicomSeries,
  dicomError,
  isDicom,
  type Problem,
  scanDicom,
  volumesIn,
} from '../../data/index.js';
import { jobError } from '../errors.js';
import { caseName } from '../score.js';

/** `nnunet` and `bids` are NIfTI, too, under the names of these. */
export type MaskFormat = 'nifti' | 'nnunet' | 'bids' | 'dicom-seg' | 'rtstruct';

export const isDicomFormat = (format: MaskFormat): format is 'dicom-seg' | 'rtstruct' =>
  format === 'dicom-seg' || format === 'rtstruct';

/** A NIfTI file or a DICOM series. */
export interface ImageSource {
  /** What its masks are named by: the file's name, or pseudonyms of patient and series. */
  name: string;
  /** The file; undefined for a series. */
  path: string | undefined;
  series: DicomSeries | undefined;
}

/**
 * The images that paths name. A folder stands for its NIfTI files and the DICOM series at any depth; a site of a data set,
 * or a data set of sites, for what its folders `images` hold. Nothing is read but headers; a file that is named twice is
 * one image.
 *
 * @returns problems: files in the DICOM folders that cannot be used, and faults of the series
 * @throws GraftError IMAGES_NONE, DATASET_DUPLICATE_CASE, DICOM_NONE; DICOM_SEG_SOURCE where masks as DICOM are asked for
 *   of NIfTI files
 */
export function findImages(paths: readonly string[], format: MaskFormat) {
  const sources = new Map<string, ImageSource>();
  const problems: Problem[] = [];
  const addFile = (path: string) => {
    if (isDicomFormat(format)) throw dicomError('DICOM_SEG_SOURCE', { path });
    const place = existsSync(path) ? realpathSync(path) : path;
    if (!sources.has(place)) sources.set(place, { name: caseName(path), path, series: undefined });
  };
  const addSeries = ({ series, problems: found }: ReturnType<typeof scanDicom>) => {
    problems.push(...found, ...series.flatMap((one) => one.problems));
    for (const one of series)
      sources.set(realpathSync(one.files[0]), {
        ...{ name: `${one.patient}_${one.series}`, path: undefined, series: one },
      });
  };
  for (const path of paths) {
    if (!isFolder(path)) {
      if (!existsSync(path) || !isDicom(path)) addFile(path);
      else {
        const scan = scanDicom(path);
        assertSeries(scan);
        addSeries(scan);
      }
      continue;
    }
    // Masks as DICOM are asked for the series; what others have made of them and put beside them is none.
    const ofSites = isDicomFormat(format) ? [] : imagesOfSites(path);
    const files = isDicomFormat(format) || ofSites.length > 0 ? ofSites : niftiIn(path);
    for (const file of files) addFile(file);
    if (ofSites.length > 0) continue;
    const scan = scanDicom(path);
    if (files.length === 0 && scan.series.length === 0) {
      if (isDicomFormat(format) && [...imagesOfSites(path), ...niftiIn(path)].length > 0)
        throw dicomError('DICOM_SEG_SOURCE', { path });
      const found = scan.problems.map(({ message }) => message.replace(/\.$/, '')).join('; ') || 'no file at all';
      throw jobError('IMAGES_NONE', { folder: scan.folder, found });
    }
    // Files that are not DICOM are no news where NIfTI files are taken.
    addSeries({
      ...scan,
      problems: scan.problems.filter(({ code }) => !(files.length > 0 && code === 'DICOM_OTHER_FILES')),
    });
  }
  return { sources: [...sources.values()], problems };
}

/** The images of a site, or of all sites, in the plain layout; labels lie beside them and are no images. */
function imagesOfSites(folder: string): string[] {
  const own = niftiIn(join(folder, 'images'));
  if (own.length > 0) return own;
  const inside = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return inside.sort().flatMap((site) => niftiIn(join(folder, site, 'images')));
}

/** The NIfTI files of a folder, which may hold others, too: DICOM is looked for afterwards. */
export const niftiIn = (folder: string): string[] => [
  ...volumesIn(folder, (fault) => {
    if (fault.code !== 'DATASET_NOT_NIFTI') throw fault;
  }).values(),
];
