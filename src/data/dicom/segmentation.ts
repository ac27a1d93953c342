/**
 * Masks as DICOM Segmentation objects (PS3.3 A.51, C.8.20): a binary frame for each class and slice that shows it, placed
 * on the source's own slices and naming the source image of each.
 *
 * The object belongs into the patient's study, so it carries the patient and study of its source as they are there
 * (`identity.ts`): it is as confidential as the source. Written uncompressed.
 *
 * Left out: fractional segmentations, frames of classes that are nowhere.
 */
import { version, writeFileAtomic } from '../../core/index.js';
import type { Placed } from '../volume.js';
import type { GivenCodes } from './class-codes.js';
import type { DicomSeries } from './dicom-series.js';
import { type Dataset, encodeFile } from './encode.js';
import type { PlacedFrame } from './frames-on-grid.js';
import type { Header } from './header.js';
import { graftItself, type MaskSource, madeObject, maskSource, type Reference, referenceTo } from './mask-source.js';
import { code, functionalGroups, labelsIn, pack } from './segment-frames.js';
import { type Algorithm, segmentSequence } from './segments.js';

export interface DicomSegmentationOptions {
  /** Names of the labels 1, 2, … */
  classes: readonly string[];
  /** What made the mask; default: graft, without digests. */
  algorithm?: Algorithm;
  /** Codes and colours of classes, as `readSegmentCodes` reads them; default: those of the table of common organs. */
  codes?: GivenCodes | undefined;
  /** What a reader of the mask should know, a sentence each; they become the object's Image Comments. */
  warnings?: readonly string[];
}

/**
 * Labels as a DICOM-SEG of their source.
 *
 * @param labels uint8 [z, y, x] in RAS; the number k is the class `classes[k - 1]`
 * @returns the whole file, and what other objects refer to it by
 */
export function segmentationFile(
  labels: Uint8Array,
  source: MaskSource,
  options: DicomSegmentationOptions,
): { bytes: Uint8Array; reference: Reference } {
  const { series, headers, frames } = source;
  const present = frames.map((frame) => labelsIn(labels, frame));
  const shown = options.classes.flatMap((_, i) =>
    frames.filter((_, f) => present[f].has(i + 1)).map((frame) => ({ frame, segment: i + 1 })),
  );
  // An object without frames is not allowed: an empty mask shows that one slice is empty.
  if (shown.length === 0) shown.push({ frame: frames[0], segment: 1 });
  const made = madeObject(source, 'SEG', options);
  const reference = referenceTo(made);
  const dataset: Dataset = {
    ...made,
    ...describe(source, reference.instance, options),
    ...lossOf(headers),
    ...sourceReferences(frames),
    ...functionalGroups(frames, shown, series.spacing?.[0] ?? 1),
    FrameOfReferenceUID: source.frameOfReference,
    Rows: headers[0].rows,
    Columns: headers[0].columns,
    PixelData: pack(labels, shown),
  };
  return { bytes: encodeFile(dataset, version), reference };
}

/**
 * Writes the labels of a volume as a DICOM-SEG. It names the patient, as archives need.
 *
 * @param path of the new file
 * @param labels uint8 [z, y, x] in RAS; the number k is the class `classes[k - 1]`
 * @param volume one of `convertDicomSeries(series)`
 * @throws GraftError DICOM_SEG_GEOMETRY, DICOM_SEG_IDENTITY, WRITE_FAILED
 */
export async function writeDicomSegmentation(
  path: string,
  labels: Uint8Array,
  volume: Placed & { path: string },
  series: DicomSeries,
  options: DicomSegmentationOptions,
): Promise<void> {
  writeFileAtomic(path, segmentationFile(labels, await maskSource(volume, series), options).bytes);
}

function describe(
  { series, identity: { own } }: MaskSource,
  instance: string,
  { classes, algorithm = graftItself, codes, warnings = [] }: DicomSegmentationOptions,
): Dataset {
  return {
    ContentLabel: 'SEGMENTATION',
    ContentCreatorName: 'graft^',
    ...(warnings.length > 0 && { ImageComments: own(warnings.join('\n')) }),
    PositionReferenceIndicator: '',
    ImageType: ['DERIVED', 'PRIMARY'],
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    BitsAllocated: 1,
    BitsStored: 1,
    HighBit: 0,
    PixelRepresentation: 0,
    SegmentationType: 'BINARY',
    SegmentsOverlap: 'NO',
    SegmentSequence: segmentSequence(instance, classes, algorithm, codes, own),
    ContributingEquipmentSequence: [
      {
        PurposeOfReferenceCodeSequence: code('109101', 'DCM', 'Acquisition Equipment'),
        Manufacturer: own(series.manufacturer ?? 'unknown'),
        ...(series.model && { ManufacturerModelName: own(series.model) }),
        ContributionDescription: 'Acquired the images that were segmented',
      },
    ],
  };
}

/** What the pixels of the source have lost, its mask has never seen (PS3.3 C.7.6.1.1.5). */
function lossOf(headers: readonly Header[]): Dataset {
  const loss = headers.find(({ lossy }) => lossy)?.lossy;
  if (!loss) return { LossyImageCompression: '00' };
  return {
    LossyImageCompression: '01',
    ...(loss.ratios.length > 0 && { LossyImageCompressionRatio: loss.ratios }),
    ...(loss.methods.length > 0 && { LossyImageCompressionMethod: loss.methods }),
  };
}

const sourceReferences = (frames: readonly PlacedFrame[]): Dataset => ({
  ReferencedSeriesSequence: [
    {
      SeriesInstanceUID: frames[0].header.series,
      ReferencedInstanceSequence: [...new Set(frames.map(({ header }) => header))].map((header) => ({
        ReferencedSOPClassUID: header.sopClass,
        ReferencedSOPInstanceUID: header.instance,
      })),
    },
  ],
});
