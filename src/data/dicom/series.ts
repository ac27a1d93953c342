/** One series from the headers of its files: what it is, how it lies, and what is wrong with it. */
import type { GraftError } from '../../core/index.js';
import type { Triple } from '../orientation.js';
import type { DicomSeries } from './dicom-series.js';
import { dicomError, type Problem, problem } from './errors.js';
import type { Header } from './header.js';
import { pseudonymise, seriesName } from './pseudonym.js';
import { type Fault, stacksOf } from './stack.js';

const syntaxes: Record<string, string> = {
  '1.2.840.10008.1.2': 'uncompressed',
  '1.2.840.10008.1.2.1': 'uncompressed',
  '1.2.840.10008.1.2.2': 'uncompressed',
  '1.2.840.10008.1.2.4.50': 'JPEG baseline',
  '1.2.840.10008.1.2.4.51': 'JPEG extended',
  '1.2.840.10008.1.2.4.57': 'JPEG lossless',
  '1.2.840.10008.1.2.4.70': 'JPEG lossless',
  '1.2.840.10008.1.2.4.80': 'JPEG-LS lossless',
  '1.2.840.10008.1.2.4.81': 'JPEG-LS',
  '1.2.840.10008.1.2.4.90': 'JPEG 2000 lossless',
  '1.2.840.10008.1.2.4.91': 'JPEG 2000',
  '1.2.840.10008.1.2.5': 'RLE',
};

/** What dcm2niix decodes of a file with several frames; of other compressed ones it makes noise of all but the first. */
const framesDecoded = [
  '1.2.840.10008.1.2',
  '1.2.840.10008.1.2.1',
  '1.2.840.10008.1.2.2',
  '1.2.840.10008.1.2.4.57',
  '1.2.840.10008.1.2.4.70',
];

/**
 * @param all the headers of the series' files, at least one
 * @param show how paths are shown in messages
 */
export function describeSeries(all: readonly Header[], key: Uint8Array, show: (path: string) => string): DicomSeries {
  const headers = withoutCopies(all);
  const [first] = headers;
  const name = seriesName(first.series, first.seriesNumber, key);
  const frames = headers.flatMap((header) => header.frames);
  // The images of a mosaic file lie side by side; each file is a whole volume.
  const { mosaicSlices } = first;
  const tiles = mosaicSlices ? Math.ceil(Math.sqrt(mosaicSlices)) : 1;
  const stacks = mosaicSlices ? [] : stacksOf(headers);
  const largest = stacks.reduce<(typeof stacks)[number] | undefined>(
    (best, other) => (best && best.slices >= other.slices ? best : other),
    undefined,
  );
  const between = largest?.spacing ?? first.sliceSpacing;
  const [pixels] = frames.flatMap(({ pixelSpacing }) => (pixelSpacing ? [pixelSpacing] : []));

  const problems: Problem[] = [];
  const add = (stops: boolean, error: GraftError) => problems.push(problem(error, { stops }));
  const patients = new Set(all.map((header) => patientOf(header, key)));
  if (patients.size > 1)
    add(
      true,
      dicomError('DICOM_PATIENTS_MIXED', {
        place: `the series ${name}`,
        count: patients.size,
        patients: [...patients].join(', '),
      }),
    );
  if (first.samples > 1)
    add(true, dicomError('DICOM_NOT_GREY', { series: name, found: `${first.samples} (a colour picture)` }));
  const types = new Set(headers.map(({ bits, signed }) => `${bits} bits ${signed ? 'with' : 'without'} a sign`));
  if (types.size > 1) add(true, dicomError('DICOM_PIXELS_DIFFER', { series: name, found: [...types].join(' and ') }));
  const absent = [!pixels && 'pixels', !between && 'slices'].filter(Boolean).join(' and ');
  if (absent) add(false, dicomError('DICOM_SPACING_ABSENT', { series: name, what: absent }));
  if (headers.some(({ frameCount, transferSyntax }) => frameCount > 1 && !framesDecoded.includes(transferSyntax))) {
    const reason = `several frames in a file, compressed (${syntaxes[first.transferSyntax] ?? first.transferSyntax}), are not decoded`;
    add(true, dicomError('DICOM_CONVERSION', { series: name, reason }));
  }
  if (headers.some(({ backwards }) => backwards)) {
    const reason = 'its frames follow each other against the normal of their plane (Spacing Between Slices is below 0)';
    add(true, dicomError('DICOM_CONVERSION', { series: name, reason }));
  }
  const unplaced = frames.filter(({ position, orientation }) => !position || !orientation).length;
  if (unplaced > 0) add(false, dicomError('DICOM_PLACE_ABSENT', { series: name, count: unplaced }));
  const used = new Set(headers);
  const copies = all.filter((header) => !used.has(header));
  if (copies.length > 0)
    add(false, dicomError('DICOM_COPIES', { series: name, count: copies.length, file: show(copies[0].file) }));
  const identifiers = new Set(headers.map(({ instance }) => instance));
  if (identifiers.size < headers.length)
    add(
      false,
      dicomError('DICOM_IDENTIFIER_SHARED', { series: name, count: headers.length, identifiers: identifiers.size }),
    );
  for (const fault of stacks.flatMap(({ faults }) => faults)) add(...asError(name, fault));

  return {
    patient: patientOf(first, key),
    series: name,
    modality: first.modality,
    manufacturer: first.manufacturer,
    model: first.model,
    fieldStrengthT: first.fieldStrengthT,
    spacing: pixels && between ? [between, pixels[0], pixels[1]] : undefined,
    size: [
      mosaicSlices ?? largest?.slices ?? first.frameCount,
      Math.floor(first.rows / tiles),
      Math.floor(first.columns / tiles),
    ] satisfies Triple,
    frames: headers.reduce((sum, { frameCount }) => sum + frameCount, 0) * (mosaicSlices ?? 1),
    files: headers.map(({ file }) => file),
    transferSyntax: syntaxes[first.transferSyntax] ?? first.transferSyntax,
    problems,
  };
}

/** Where a file names no patient, patients are told apart by study. */
export const patientOf = ({ patientId, study }: Header, key: Uint8Array): string =>
  pseudonymise(patientId || `study ${study}`, key);

/** In the order of acquisition: one header for each image, however often its file was copied. */
function withoutCopies(headers: readonly Header[]): Header[] {
  const sorted = [...headers].sort((a, b) => a.instanceNumber - b.instanceNumber || (a.file < b.file ? -1 : 1));
  return [...new Map(sorted.toReversed().map((header) => [imageOf(header), header])).values()].toReversed();
}

/** Its identifier alone should do, but some exports give one to many slices, which are images of their own all the same. */
const imageOf = ({ instance, instanceNumber, frames }: Header) =>
  JSON.stringify([instance, instanceNumber, frames.map(({ position }) => position)]);

/** Whether the fault stops the conversion, and what is said of it. */
function asError(series: string, fault: Fault): [stops: boolean, GraftError] {
  switch (fault.kind) {
    case 'duplicate':
      return [true, dicomError('DICOM_SLICES_DUPLICATE', { series, ...fault })];
    case 'missing':
      return [true, dicomError('DICOM_SLICES_MISSING', { series, ...fault })];
    case 'uneven':
      return [false, dicomError('DICOM_SPACING_VARIES', { series, ...fault })];
    case 'pixels':
      return [true, dicomError('DICOM_PIXELS_DIFFER', { series, found: fault.found.join(' and ') })];
    case 'tilt':
      return [false, dicomError('DICOM_GANTRY_TILT', { series, ...fault })];
  }
}
