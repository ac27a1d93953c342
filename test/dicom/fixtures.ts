/** DICOM series made with dcmjs, with identifiers planted in every place where a scanner writes some. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import dcmjs from 'dcmjs';
import { afterAll } from 'vitest';

dcmjs.log.setLevel('silent');

export type Dataset = Record<string, unknown>;

/** Must never leave, whatever is made of the series. */
export const planted: Dataset = {
  PatientName: 'PLANTED^NAME',
  PatientID: 'PLANTED-ID-4711',
  PatientBirthDate: '19440229',
  OtherPatientIDs: 'PLANTED-OTHER-ID',
  PatientAddress: 'PLANTED STREET 1',
  AccessionNumber: 'PLANTEDACC',
  InstitutionName: 'PLANTED HOSPITAL',
  ReferringPhysicianName: 'PLANTED^PHYSICIAN',
  StudyDescription: 'PLANTED STUDY',
  SeriesDescription: 'PLANTED SERIES',
  ProtocolName: 'PLANTED PROTOCOL',
  ImageComments: 'PLANTED COMMENT',
  StudyInstanceUID: '1.2.826.0.1.3680043.8.498.4711.1',
};

export interface SeriesOptions {
  slices?: number;
  rows?: number;
  columns?: number;
  /** [between rows, between columns] and between slices, mm */
  pixelSpacing?: [number, number];
  spacing?: number;
  orientation?: number[];
  /** The first pixel of slice i; by default along the normal. */
  position?: (i: number) => number[];
  uid?: string;
  /** What is different in slice i; undefined leaves the slice out. */
  change?: (i: number) => Dataset | undefined;
  name?: (i: number) => string;
}

/** The stored value of a pixel: no two voxels of a small volume share one. */
export const valueAt = (slice: number, row: number, column: number, options: SeriesOptions = {}): number =>
  (slice * (options.rows ?? 6) + row) * (options.columns ?? 8) + column;

/** A CT series of single-frame images. @returns the files that were written */
export function writeSeries(folder: string, options: SeriesOptions = {}): string[] {
  const { slices = 5, rows = 6, columns = 8, pixelSpacing = [0.7, 0.9], spacing = 2.5 } = options;
  const { orientation = [1, 0, 0, 0, 1, 0], uid = '1.2.826.0.1.3680043.8.498.4711.2' } = options;
  const [a, b, c, d, e, f] = orientation;
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
  const { position = (i: number) => [-12, 7, -30].map((start, axis) => start + normal[axis] * spacing * i) } = options;
  const { change = () => ({}), name = (i: number) => `IM${String(i).padStart(4, '0')}` } = options;
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: slices }, (_, i) => {
    const changed = change(i);
    if (!changed) return [];
    const pixels = Int16Array.from({ length: rows * columns }, (_, p) =>
      valueAt(i, Math.floor(p / columns), p % columns, options),
    );
    const dataset: Dataset = {
      ...planted,
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
      SOPInstanceUID: `${uid}.${i + 1}`,
      SeriesInstanceUID: uid,
      FrameOfReferenceUID: '1.2.826.0.1.3680043.8.498.4711.9',
      StudyDate: '20240101',
      StudyTime: '101112',
      SeriesTime: '101112',
      AcquisitionTime: '101112',
      StudyID: '1',
      PatientSex: 'F',
      SeriesNumber: 3,
      AcquisitionNumber: 1,
      InstanceNumber: i + 1,
      Modality: 'CT',
      Manufacturer: 'ACME',
      ManufacturerModelName: 'Ring 5',
      ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
      PatientPosition: 'HFS',
      KVP: 120,
      SliceThickness: spacing,
      ImagePositionPatient: position(i),
      ImageOrientationPatient: orientation,
      SamplesPerPixel: 1,
      PhotometricInterpretation: 'MONOCHROME2',
      Rows: rows,
      Columns: columns,
      PixelSpacing: pixelSpacing,
      BitsAllocated: 16,
      BitsStored: 16,
      HighBit: 15,
      PixelRepresentation: 1,
      RescaleIntercept: -1024,
      RescaleSlope: 1,
      PixelData: [pixels.buffer],
      _vrMap: { PixelData: 'OW' },
      _meta: {},
      ...changed,
    };
    const path = join(folder, name(i));
    writeFileSync(path, encode(dataset));
    return [path];
  }).flat();
}

/** Writes a series with coded text as these very bytes, whatever the character set: dcmjs writes UTF-8 alone. */
export function writeCodedSeries(
  folder: string,
  characterSets: readonly string[],
  coded: Readonly<Record<string, Uint8Array>>,
  options: SeriesOptions = {},
): string[] {
  const all = Object.entries(coded);
  const stand = all.map(([, bytes], i) => 'qzxkvwy'[i].repeat(bytes.length + (bytes.length % 2)));
  const files = writeSeries(folder, {
    ...options,
    change: (i) => ({
      ...options.change?.(i),
      ...(characterSets.length > 0 && { SpecificCharacterSet: characterSets.map((set) => 'j'.repeat(set.length)) }),
      ...Object.fromEntries(all.map(([name], i) => [name, stand[i]])),
    }),
  });
  for (const file of files) {
    let text = readFileSync(file).toString('latin1');
    const sets = characterSets.join('\\');
    text = text.replace(sets.replace(/[^\\]/g, 'j'), () => sets);
    for (const [i, [, bytes]] of all.entries())
      text = text.replace(stand[i], () => Buffer.from(bytes).toString('latin1').padEnd(stand[i].length, ' '));
    writeFileSync(file, Buffer.from(text, 'latin1'));
  }
  return files;
}

/** The same volume as `writeSeries` makes, in one enhanced (multi-frame) CT file. */
export function writeEnhanced(folder: string, options: SeriesOptions = {}): string {
  const { slices = 5, pixelSpacing = [0.7, 0.9], spacing = 2.5, orientation = [1, 0, 0, 0, 1, 0] } = options;
  const images = writeSeries(folder, options).map((file) => decode(readFileSync(file)));
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  const { ImagePositionPatient, ImageOrientationPatient, PixelSpacing, SliceThickness, ...shared } = images[0];
  const { RescaleIntercept, RescaleSlope, ...header } = shared;
  const pixels = images.map(({ PixelData }) => new Uint8Array((PixelData as ArrayBuffer[])[0]));
  const file = join(folder, 'enhanced');
  const dataset = {
    ...header,
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2.1',
    NumberOfFrames: slices,
    DimensionIndexSequence: [{ DimensionIndexPointer: 0x00200032, FunctionalGroupPointer: 0x00209113 }],
    SharedFunctionalGroupsSequence: [
      {
        PlaneOrientationSequence: [{ ImageOrientationPatient: orientation }],
        PixelMeasuresSequence: [{ PixelSpacing: pixelSpacing, SliceThickness: spacing }],
        PixelValueTransformationSequence: [{ RescaleIntercept: -1024, RescaleSlope: 1, RescaleType: 'HU' }],
      },
    ],
    PerFrameFunctionalGroupsSequence: images.map((image, i) => ({
      FrameContentSequence: [{ DimensionIndexValues: [i + 1], StackID: '1', InStackPositionNumber: i + 1 }],
      PlanePositionSequence: [{ ImagePositionPatient: image.ImagePositionPatient }],
    })),
    PixelData: [new Uint8Array(Buffer.concat(pixels)).buffer],
    _vrMap: { PixelData: 'OW' },
    _meta: {},
  };
  writeFileSync(file, encode(dataset));
  return file;
}

/**
 * The same volume as `writeSeries` makes, in one multi-frame file without groups for its frames: a secondary capture, or,
 * where `changed` says so, a reconstruction of nuclear medicine.
 */
export function writeClassic(folder: string, options: SeriesOptions = {}, changed: Dataset = {}): string {
  const { spacing = 2.5 } = options;
  const images = writeSeries(folder, options).map((file) => decode(readFileSync(file)));
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  const file = join(folder, 'classic');
  const pixels = images.map(({ PixelData }) => new Uint8Array((PixelData as ArrayBuffer[])[0]));
  const dataset = {
    ...images[0],
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.7.3',
    NumberOfFrames: images.length,
    SpacingBetweenSlices: spacing,
    PixelData: [new Uint8Array(Buffer.concat(pixels)).buffer],
    _vrMap: { PixelData: 'OW' },
    _meta: {},
    ...changed,
  };
  writeFileSync(file, encode(dataset));
  return file;
}

/** Of a reconstruction of nuclear medicine: frames are slices, and the detector says where the first lies. */
export const nuclear = (slices: number, place: { position: number[]; orientation: number[] }): Dataset => ({
  SOPClassUID: '1.2.840.10008.5.1.4.1.1.20',
  Modality: 'NM',
  ImageType: ['ORIGINAL', 'PRIMARY', 'RECON TOMO', 'EMISSION'],
  FrameIncrementPointer: 0x00540080,
  SliceVector: Array.from({ length: slices }, (_, i) => i + 1),
  NumberOfSlices: slices,
  DetectorInformationSequence: [{ ImagePositionPatient: place.position, ImageOrientationPatient: place.orientation }],
  ImagePositionPatient: undefined,
  ImageOrientationPatient: undefined,
});

export const encode = (dataset: Dataset): Uint8Array =>
  new Uint8Array(dcmjs.data.datasetToDict(dataset).write({ allowInvalidVRLength: true }));

/** The whole data set of a file, by names. */
export function decode(bytes: Buffer): Dataset {
  const { DicomMessage, DicomMetaDictionary } = dcmjs.data;
  const whole = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  return DicomMetaDictionary.naturalizeDataset(DicomMessage.readFile(whole).dict);
}

/** A folder that goes when the tests of the file are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'graft-dicom-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A key for pseudonyms that no test shares with a user. */
export const key = new Uint8Array(32).fill(7);
