/**
 * Masks as DICOM Segmentation objects (PS3.3 A.51, C.8.20): a binary frame for each class and slice that shows it, placed
 * on the source's own slices and naming the source image of each.
 *
 * The object belongs into the patient's study, so it carries the patient and study of its source as they are there
 * (`identity.ts`): it is as confidential as the source. Written uncompressed.
 *
 * Left out: fractional segmentations, frames of classes that are nowhere.
 */
import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '../../core/index.js';
import type { Placed } from '../volume.js';
import type { GivenCodes } from './class-codes.js';
import { framesOfVolume, headersOf } from './convert.js';
import type { DicomSeries } from './dicom-series.js';
import { readElements } from './elements.js';
import { type Dataset, encodeFile } from './encode.js';
import { framesOnGrid, type PlacedFrame } from './frames-on-grid.js';
import type { Header } from './header.js';
import { assertIdentifiers, type Identity, identityOf, isIdentifier } from './identity.js';
import { code, functionalGroups, labelsIn, pack, uid } from './segment-frames.js';
import { type Algorithm, segmentSequence } from './segments.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

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

/** Writes uint8 labels [z, y, x] in RAS; the number k is the class `classes[k - 1]`. @throws GraftError WRITE_FAILED */
export type SegmentationWriter = (path: string, labels: Uint8Array, options: DicomSegmentationOptions) => void;

/**
 * What writes the labels of a volume as a DICOM-SEG that refers to the series the volume was made of. All that does not
 * depend on the labels is done here, so that a series that cannot have a DICOM-SEG is refused before they are computed.
 *
 * @param volume one of `convertDicomSeries(series)`
 * @throws GraftError DICOM_SEG_GEOMETRY, DICOM_SEG_IDENTITY
 */
export async function segmentationWriter(
  volume: Placed & { path: string },
  series: DicomSeries,
): Promise<SegmentationWriter> {
  const name = `${series.patient}_${series.series}`;
  const headers = headersOf(series);
  assertIdentifiers(headers, name);
  const frames = framesOnGrid(headers, volume, name, await chosenFrames(series, headers, volume));
  const identity = identityOf(readElements(headers[0].file)!.elements, name);
  const part = volume.path.slice(name.length);
  return (path, labels, options) => {
    const present = frames.map((frame) => labelsIn(labels, frame));
    const shown = options.classes.flatMap((_, i) =>
      frames.filter((_, f) => present[f].has(i + 1)).map((frame) => ({ frame, segment: i + 1 })),
    );
    // An object without frames is not allowed: an empty mask shows that one slice is empty.
    if (shown.length === 0) shown.push({ frame: frames[0], segment: 1 });
    const dataset: Dataset = {
      ...identity.elements,
      ...describe(series, headers, part, options, identity),
      ...lossOf(headers),
      ...sourceReferences(frames),
      ...functionalGroups(frames, shown, series.spacing?.[0] ?? 1),
      FrameOfReferenceUID: isIdentifier(headers[0].frameOfReference ?? '') ? headers[0].frameOfReference : uid(),
      Rows: headers[0].rows,
      Columns: headers[0].columns,
      PixelData: pack(labels, shown),
    };
    writeFileAtomic(path, encodeFile(dataset, version));
  };
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
  const write = await segmentationWriter(volume, series);
  write(path, labels, options);
}

/** A series may hold several volumes; undefined where all its images make up this one. */
async function chosenFrames(series: DicomSeries, headers: readonly Header[], volume: Placed & { path: string }) {
  const pixels = headers.reduce((sum, { rows, columns, frameCount }) => sum + rows * columns * frameCount, 0);
  return pixels === volume.shape.reduce((a, b) => a * b) ? undefined : framesOfVolume(series, volume.path);
}

/** Seconds since 2020: a number that no other run has, and no series of a scanner. */
const runNumber = Math.floor((Date.now() - Date.UTC(2020)) / 1000);

function describe(
  series: DicomSeries,
  [{ seriesNumber }]: readonly Header[],
  part: string,
  { classes, algorithm = { name: 'graft', version }, codes, warnings = [] }: DicomSegmentationOptions,
  { own }: Identity,
): Dataset {
  const now = new Date().toISOString().replace(/[-:]/g, '');
  const [date, time] = [now.slice(0, 8), now.slice(9, 15)];
  const source = `${series.modality} series${seriesNumber === undefined ? '' : ` ${seriesNumber}`}`;
  const made = `${now.slice(0, 4)}-${now.slice(4, 6)}-${now.slice(6, 8)} ${time.slice(0, 2)}:${time.slice(2, 4)} UTC`;
  const summary = warnings.length > 0 ? `; warnings: ${warnings.length}, see Image Comments` : '';
  return {
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.66.4',
    SOPInstanceUID: uid(),
    SeriesInstanceUID: uid(),
    SeriesNumber: runNumber,
    SeriesDescription: own(`${algorithm.name}, ${made}`),
    InstanceNumber: 1,
    Modality: 'SEG',
    Manufacturer: 'graft',
    ManufacturerModelName: 'graft',
    DeviceSerialNumber: '1',
    SoftwareVersions: version,
    SeriesDate: date,
    SeriesTime: time,
    ContentDate: date,
    ContentTime: time,
    ContentLabel: 'SEGMENTATION',
    ContentDescription: own(`of the ${source}${part.replace('_', ', ')}${summary}`),
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
    SegmentSequence: segmentSequence(classes, algorithm, codes, own),
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
