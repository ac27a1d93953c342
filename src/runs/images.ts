/** NIfTI files and DICOM series, segmented one after another; masks as NIfTI or DICOM-SEG. */
import { join } from 'node:path';
import { exitCodes, GraftError, inPieces, type Pausing } from '../core/index.js';
import {
  assertSeries,
  convertSeries,
  type DicomSeries,
  dicomError,
  isDicom,
  type Problem,
  readVolume,
  scanDicom,
  type Volume,
  writeMask,
  writeSegmentation,
} from '../data/index.js';
import type { PromptedMask } from '../finetune/index.js';
import type { ProgressEvent } from './events.js';
import { caseName } from './score.js';

export type MaskFormat = 'nifti' | 'dicom-seg';

/** A NIfTI file or a DICOM series. */
export interface ImageSource {
  /** What its masks are named by: the file's name, or pseudonyms of patient and series. */
  name: string;
  /** The file; undefined for a series. */
  path: string | undefined;
  series: DicomSeries | undefined;
}

/**
 * The images that paths name: a folder stands for its DICOM series. Nothing is read but headers.
 *
 * @returns problems: what the DICOM folders hold that is of no use, and what is amiss with the series
 * @throws GraftError DICOM_NONE; DICOM_SEG_SOURCE where a DICOM-SEG is asked for of a NIfTI file
 */
export function findImages(paths: readonly string[], format: MaskFormat) {
  const sources: ImageSource[] = [];
  const problems: Problem[] = [];
  for (const path of paths) {
    if (!isDicom(path)) {
      if (format === 'dicom-seg') throw dicomError('DICOM_SEG_SOURCE', { path });
      sources.push({ name: caseName(path), path, series: undefined });
      continue;
    }
    const scan = scanDicom(path);
    assertSeries(scan);
    problems.push(...scan.problems, ...scan.series.flatMap((series) => series.problems));
    for (const series of scan.series)
      sources.push({ name: `${series.patient}_${series.series}`, path: undefined, series });
  }
  return { sources, problems };
}

/** A mask that was written; of an answer to a prompt also the slice it is about, and how sure the model is. */
export interface Mask extends Partial<Omit<PromptedMask, 'labels'>> {
  /** The NIfTI file, or the pseudonyms of patient and series. */
  image: string;
  mask: string;
  segmentedMl: number;
}

export interface SegmentOptions {
  /** Labels uint8 [z, y, x] on the volume's grid. */
  segment: (volume: Volume) => Pausing<Pick<PromptedMask, 'labels'> & Partial<PromptedMask>>;
  /** Names of the labels 1, 2, … */
  classes: readonly string[];
  format: MaskFormat;
  /** Folder for the masks: NAME.nii.gz on the image's grid, or NAME.dcm that refers to its series. */
  out: string;
}

/**
 * Segments all images. A series that cannot be used is among the failures and stops no other: a folder holds what it
 * holds. A file was named, so its error ends the work.
 *
 * @throws GraftError as `readVolume`; what `segment` throws; WRITE_FAILED
 */
export async function* segmentImages(
  sources: readonly ImageSource[],
  options: SegmentOptions,
): AsyncGenerator<ProgressEvent, { masks: Mask[]; failures: GraftError[] }> {
  const masks: Mask[] = [];
  const failures: GraftError[] = [];
  yield { kind: 'task', name: 'segment', total: sources.length };
  for (const [i, source] of sources.entries()) {
    try {
      for (const volume of await readVolumes(source)) {
        for (const doubt of volume.doubts ?? []) yield { kind: 'note', text: `${volume.path}: ${doubt}` };
        const { labels, ...more } = yield* options.segment(volume);
        const mask = await writeLabels(labels, volume, source, options);
        let voxels = 0;
        yield* inPieces(labels.length, (from, to) => {
          for (let v = from; v < to; v++) if (labels[v] > 0) voxels++;
        });
        const segmentedMl = (voxels * volume.spacing.reduce((a, b) => a * b)) / 1000;
        masks.push({ image: volume.path, mask, segmentedMl, ...more });
      }
    } catch (error) {
      if (!source.series || !(error instanceof GraftError) || error.exitCode !== exitCodes.data) throw error;
      failures.push(error);
    }
    yield { kind: 'step', done: i + 1, total: sources.length };
  }
  yield { kind: 'done', name: 'segment' };
  return { masks, failures };
}

const readVolumes = async ({ path, series }: ImageSource): Promise<Volume[]> =>
  series ? convertSeries(series) : [readVolume(path!)];

async function writeLabels(
  labels: Uint8Array,
  volume: Volume,
  { series }: ImageSource,
  { format, out, classes }: SegmentOptions,
): Promise<string> {
  const name = join(out, caseName(volume.path));
  const mask = format === 'nifti' ? `${name}.nii.gz` : `${name}.dcm`;
  if (format === 'nifti') writeMask(mask, labels, volume.grid);
  else await writeSegmentation(mask, labels, volume, series!, { classes });
  return mask;
}
