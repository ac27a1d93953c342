/**
 * Masks as DICOM Segmentation objects (PS3.3 A.51, C.8.20): a binary frame for each class and slice that shows it, placed
 * on the source's own slices and naming the source image of each.
 *
 * The object belongs into the patient's study, so it carries the patient and study of its source as they are there: it is
 * as confidential as the source. Written with dcmjs, uncompressed.
 *
 * Left out: fractional segmentations, codes for what was segmented (the label tells; the codes say "tissue"), frames of
 * classes that are nowhere.
 */
import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '../../core/index.js';
import type { Placed } from '../volume.js';
import { framesOnGrid, type PlacedFrame } from './frames-on-grid.js';
import { type Header, readHeader } from './header.js';
import type { DicomSeries } from './scan.js';
import { code, type Dataset, functionalGroups, hasLabel, pack, uid } from './segment-frames.js';

/**
 * Writes the labels of a volume as a DICOM-SEG that refers to the series the volume was made of.
 *
 * @param path of the new file
 * @param labels uint8 [z, y, x] in RAS; the number k is the class `classes[k - 1]`
 * @param volume the only one of `convertSeries(series)`
 * @throws GraftError DICOM_SEG_VOLUMES, DICOM_SEG_GEOMETRY, WRITE_FAILED
 */
export async function writeSegmentation(
  path: string,
  labels: Uint8Array,
  volume: Placed,
  series: DicomSeries,
  classes: readonly string[],
): Promise<void> {
  const headers = series.files
    .map((file) => readHeader(file))
    .filter((header): header is Header => header !== undefined && 'frames' in header);
  const frames = framesOnGrid(headers, volume, `${series.patient}_${series.series}`);
  const { default: dcmjs } = await import('dcmjs');
  dcmjs.log.setLevel('silent'); // it prints values of elements
  const { DicomMessage, DicomMetaDictionary, datasetToDict } = dcmjs.data;
  const first = readFileSync(headers[0].file);
  const bytes = first.buffer.slice(first.byteOffset, first.byteOffset + first.length) as ArrayBuffer;
  const { dict } = DicomMessage.readFile(bytes, { untilTag: '7FE00010', ignoreErrors: true });
  const source = DicomMetaDictionary.naturalizeDataset(dict);

  const shown = classes.flatMap((_, i) =>
    frames.filter((frame) => hasLabel(labels, frame, i + 1)).map((frame) => ({ frame, segment: i + 1 })),
  );
  // An object without frames is not allowed: an empty mask shows that one slice is empty.
  if (shown.length === 0) shown.push({ frame: frames[0], segment: 1 });
  const dataset = {
    ...patientAndStudy(source),
    ...describe(series, headers[0].seriesNumber ?? 0, classes),
    ...sourceReferences(frames),
    ...functionalGroups(frames, shown, series.spacing?.[0] ?? 1),
    FrameOfReferenceUID: headers[0].frameOfReference ?? uid(),
    Rows: headers[0].rows,
    Columns: headers[0].columns,
    PixelData: [pack(labels, shown)],
    _vrMap: { PixelData: 'OB' },
    _meta: {},
  };
  writeFileAtomic(path, new Uint8Array(datasetToDict(dataset).write({ allowInvalidVRLength: true })));
}

/** Elements that name the patient and the study, which an archive files the object by. */
const copied = [
  'SpecificCharacterSet',
  'PatientName',
  'PatientID',
  'IssuerOfPatientID',
  'PatientBirthDate',
  'PatientSex',
  'StudyInstanceUID',
  'StudyDate',
  'StudyTime',
  'StudyID',
  'AccessionNumber',
  'ReferringPhysicianName',
];
/** Elements that may be empty but must be there. */
const required = copied.filter((name) => !['SpecificCharacterSet', 'IssuerOfPatientID'].includes(name));

const patientAndStudy = (source: Dataset): Dataset => ({
  ...Object.fromEntries(required.map((name) => [name, ''])),
  ...Object.fromEntries(copied.filter((name) => source[name] !== undefined).map((name) => [name, source[name]])),
});

function describe(series: DicomSeries, seriesNumber: number, classes: readonly string[]): Dataset {
  const now = new Date().toISOString().replace(/[-:]/g, '');
  const [date, time] = [now.slice(0, 8), now.slice(9, 15)];
  return {
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.66.4',
    SOPInstanceUID: uid(),
    SeriesInstanceUID: uid(),
    SeriesNumber: 100 * seriesNumber + 1,
    SeriesDescription: 'Segmentation',
    InstanceNumber: 1,
    Modality: 'SEG',
    Manufacturer: 'graft',
    ManufacturerModelName: 'graft',
    DeviceSerialNumber: '1',
    SoftwareVersions: '1',
    SeriesDate: date,
    SeriesTime: time,
    ContentDate: date,
    ContentTime: time,
    ContentLabel: 'SEGMENTATION',
    ContentDescription: `of the ${series.modality} series ${seriesNumber}`,
    ContentCreatorName: 'graft^',
    PositionReferenceIndicator: '',
    ImageType: ['DERIVED', 'PRIMARY'],
    LossyImageCompression: '00',
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    BitsAllocated: 1,
    BitsStored: 1,
    HighBit: 0,
    PixelRepresentation: 0,
    SegmentationType: 'BINARY',
    SegmentSequence: classes.map((name, i) => ({
      SegmentNumber: i + 1,
      SegmentLabel: name.slice(0, 64),
      SegmentAlgorithmType: 'AUTOMATIC',
      SegmentAlgorithmName: 'graft',
      SegmentedPropertyCategoryCodeSequence: code('123037004', 'SCT', 'Anatomical Structure'),
      SegmentedPropertyTypeCodeSequence: code('85756007', 'SCT', 'Tissue'),
    })),
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
