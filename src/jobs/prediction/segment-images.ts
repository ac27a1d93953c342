/** NIfTI files and DICOM series, segmented one after another; masks as NIfTI or DICOM. */
import { existsSync, rmSync } from 'node:fs';
import type { ProgressEvent } from '../../core/index.js';
import { type Pause, writeFileAtomic } from '../../core/index.js';
import {
  type Algorithm,
  convertDicomSeries,
  type DicomSegmentationOptions,
  type MaskSource,
  maskSource,
  measurementReportFile,
  readVolumeWithPauses,
  segmentationFile,
  structureSetFile,
  tagsBeside,
  tagsOf,
  type Volume,
  writeMaskWithPauses,
} from '../../data/index.js';
import { caseName } from '../score.js';
import { describeMasks } from './description.js';
import type { Mask } from './mask.js';
import { maskFile, type Outputs, reportFile } from './outputs.js';
import type { Answer, Segment } from './predictor.js';
import { likeliest, type Routing } from './routing.js';
import { type ImageSource, isDicomFormat } from './sources.js';
import { VolumeTable } from './volume-table.js';

/** An image that has no mask, whatever the reason was. */
export interface Failure {
  image: string;
  error: unknown;
}

export interface SegmentOptions extends Outputs {
  segment: Segment;
  /** Names of the labels 1, 2, … */
  classes: readonly string[];
  /** What a mask as DICOM says of its classes and of what made it. */
  segmentation?: Pick<DicomSegmentationOptions, 'codes'> & { algorithm?: (routing: Routing | undefined) => Algorithm };
  /** Writes a mask as DICOM also where nothing was segmented. */
  empty: boolean;
  /** Writes the volumes beside a DICOM-SEG as a structured report. */
  report?: boolean;
  /** Told of each mask when it is written. */
  made?: (mask: Mask, source: ImageSource) => void;
}

export interface Segmented {
  masks: Mask[];
  /** Masks that were there already. */
  skipped: string[];
  failures: Failure[];
  /** The table of volumes beside the masks. */
  table: string;
}

/**
 * Segments all images. One that cannot be used is among the failures and stops no other, whatever went wrong with it.
 * Each mask is an event when it is written, and a line of `volumes.csv`; what is doubted of it is told there, beside a
 * NIfTI mask in a JSON file of its name, and in the mask itself as DICOM.
 *
 * @throws GraftError VOLUMES_FOREIGN, DESCRIPTION_OTHER, before anything is computed
 */
export async function* segmentImages(
  sources: readonly ImageSource[],
  options: SegmentOptions,
): AsyncGenerator<ProgressEvent, Segmented> {
  const table = new VolumeTable(options.out);
  describeMasks(options, options.classes);
  const [masks, skipped, failures]: [Mask[], string[], Failure[]] = [[], [], []];
  const isThere = (name: string) => options.existing === 'skip' && existsSync(maskFile(options, name));
  yield { kind: 'task', name: 'segment', total: sources.length };
  for (const [i, source] of sources.entries()) {
    try {
      if (isThere(source.name)) skipped.push(maskFile(options, source.name));
      else
        for (const volume of yield* readVolumes(source)) {
          const name = caseName(volume.path);
          if (isThere(name)) {
            skipped.push(maskFile(options, name));
            continue;
          }
          // A series that no mask can be written on as DICOM is refused before the model runs.
          const origin = !isDicomFormat(options.format) ? undefined : await maskSource(volume, source.series!);
          const tags = source.series ? tagsOf(source.series) : tagsBeside(volume.path);
          const answer = yield* options.segment(volume, tags);
          const mask = yield* write(answer, volume, origin, options);
          table.add(mask);
          masks.push(mask);
          options.made?.(mask, source);
          yield { kind: 'result', text: describeMask(mask), value: mask };
        }
    } catch (error) {
      failures.push({ image: source.path ?? source.name, error });
    }
    yield { kind: 'step', done: i + 1, total: sources.length };
  }
  yield { kind: 'done', name: 'segment' };
  return { masks, skipped, failures, table: table.file };
}

async function* readVolumes({ path, series }: ImageSource): AsyncGenerator<Pause, Volume[]> {
  return series ? convertDicomSeries(series) : [yield* readVolumeWithPauses(path!)];
}

/** Writes the mask of a volume, and what is doubted of it; without a source in DICOM as NIfTI. */
async function* write(
  answer: Answer,
  volume: Volume,
  origin: MaskSource | undefined,
  options: SegmentOptions,
): AsyncGenerator<Pause, Mask> {
  const { classes } = options;
  const { labels, volumesMl, entropy: _, ...more } = answer;
  const segmentedMl = volumesMl.reduce((a, b) => a + b, 0);
  // A header that leaves something open is a reason for doubt, too.
  const warnings = [...(volume.doubts ?? []), ...more.warnings];
  const found = {
    ...{ image: volume.path, segmentedMl, ...more, warnings },
    volumesMl: Object.fromEntries(classes.map((name, i) => [name, volumesMl[i]])),
  };
  const mask = maskFile(options, caseName(volume.path));
  const { codes, algorithm } = options.segmentation ?? {};
  const described = { classes, codes, warnings, ...(algorithm && { algorithm: algorithm(answer.routing) }) };
  if (!origin) {
    yield* writeMaskWithPauses(mask, labels, volume.grid);
    writeWarnings(mask.replace(/\.nii\.gz$/, '.warnings.json'), found);
  } else if (segmentedMl > 0 || options.empty) {
    if (options.format === 'rtstruct') writeFileAtomic(mask, structureSetFile(labels, origin, described));
    else {
      const { bytes, reference } = segmentationFile(labels, origin, described);
      // First the report: a mask that is there has its report, also after an interruption.
      if (options.report)
        writeFileAtomic(reportFile(mask), measurementReportFile(labels, origin, reference, described));
      writeFileAtomic(mask, bytes);
    }
  } else {
    // One of an earlier command would be taken for this one's.
    for (const file of [mask, reportFile(mask)]) rmSync(file, { force: true });
    return { ...found, mask: null };
  }
  return { ...found, mask };
}

/** What is doubted of a mask, beside it; a mask without a doubt has no such file. */
function writeWarnings(file: string, { image, volumesMl, warnings }: Omit<Mask, 'mask'>): void {
  if (warnings.length > 0) writeFileAtomic(file, `${JSON.stringify({ image, volumesMl, warnings }, null, 2)}\n`);
  else rmSync(file, { force: true });
}

/** `masks/scan.nii.gz  3.1 ml (anterior 1.6, posterior 1.5)`, and a line for a chosen adapter and for each warning. */
function describeMask({ image, mask, segmentedMl, volumesMl, routing, iou, warnings }: Mask): string {
  const entries = Object.entries(volumesMl);
  const parts = entries.map(([name, ml]) => `${name} ${ml.toFixed(1)}`).join(', ');
  const file = mask ?? `${image}: nothing segmented, so no mask was written (--empty writes it):`;
  return [
    `${file}  ${segmentedMl.toFixed(1)} ml${entries.length > 1 ? ` (${parts})` : ''}${iou === undefined ? '' : `, predicted IoU ${iou.toFixed(2)}`}`,
    ...(routing ? [`  adapter: ${routing.adapter ?? 'none'} (${likeliest(routing)})`] : []),
    ...warnings.map((text) => `  warning: ${text}`),
  ].join('\n');
}
