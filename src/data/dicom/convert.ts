/** A series as volumes. */
import { exitCodes, GraftError } from '../../core/index.js';
import { volumeOfBytes } from '../nifti/index.js';
import type { Volume } from '../volume.js';
import { runDcm2niix } from './dcm2niix.js';
import { dicomError } from './errors.js';
import type { DicomSeries } from './scan.js';

/** One volume as a whole NIfTI-1 file, not compressed. */
export interface NiftiBytes {
  /**
   * Fit to be shown and to name files by: `PATIENT_SERIES`, with what dcm2niix calls the part (`_e2`) and, in a part with
   * several volumes, their number (`_volume-001`).
   */
  name: string;
  bytes: Uint8Array;
}

/**
 * The volumes of a series as `niftiOfSeries` makes them, read; their `path` is the name.
 *
 * @throws GraftError as `niftiOfSeries`; NIFTI_… where a volume is none that graft takes
 */
export const convertSeries = async (series: DicomSeries): Promise<Volume[]> =>
  (await niftiOfSeries(series)).map(({ name, bytes }) => volumeOfBytes(name, bytes));

/**
 * The volumes of a series as NIfTI: one, or one for each time point, echo or kind of image it holds. Voxels, type, grid
 * and affine are those of dcm2niix; the free texts of its headers are left out.
 *
 * @throws GraftError the series' first problem that stops conversion; DICOM_CONVERSION with what dcm2niix said
 */
export async function niftiOfSeries(series: DicomSeries): Promise<NiftiBytes[]> {
  const fault = series.problems.find(({ stops }) => stops);
  if (fault) throw new GraftError(fault.code, fault.message, fault.hint, exitCodes.data);
  const name = `${series.patient}_${series.series}`;
  let converted: Awaited<ReturnType<typeof runDcm2niix>>;
  try {
    converted = await runDcm2niix(series.files);
  } catch (error) {
    throw dicomError('DICOM_CONVERSION', { series: name, reason: (error as Error).message }, error);
  }
  const { files, complaints } = converted;
  if (files.size === 0) {
    const reason = complaints || 'dcm2niix made no volume of it';
    throw dicomError('DICOM_CONVERSION', { series: name, reason });
  }
  return [...files.keys()]
    .filter(
      (part, _, parts) => !parts.some((other) => other.startsWith(part) && corrected.test(other.slice(part.length))),
    )
    .sort()
    .flatMap((part) => split(`${name}${part}`, files.get(part)!));
}

/** Where slices are uneven or tilted, dcm2niix writes the volume as it is and another, interpolated, that is right. */
const corrected = /^(_Tilt)?(_Eq)?_\d+$/;

/** Splits a NIfTI-1 file in this machine's byte order, which is what dcm2niix writes, along its fourth and later dimensions. */
function split(name: string, file: Uint8Array<ArrayBuffer>): NiftiBytes[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  // The names of type and data base, the description (it holds the time of the scan), the auxiliary file, the intent.
  for (const [from, to] of [
    [4, 38],
    [148, 252],
    [328, 344],
  ])
    file.fill(0, from, to);
  const dims = Array.from({ length: 8 }, (_, i) => view.getInt16(40 + 2 * i, true));
  const count = dims.slice(4, dims[0] + 1).reduce((product, size) => product * Math.max(1, size), 1);
  const offset = view.getFloat32(108, true);
  const length = (Math.max(1, dims[1]) * Math.max(1, dims[2]) * Math.max(1, dims[3]) * view.getInt16(72, true)) / 8;
  [3, dims[1], dims[2], Math.max(1, dims[3]), 1, 1, 1, 1].forEach((size, i) => {
    view.setInt16(40 + 2 * i, size, true);
  });

  return Array.from({ length: count }, (_, i) => {
    const bytes = new Uint8Array(offset + length);
    bytes.set(file.subarray(0, offset));
    bytes.set(file.subarray(offset + i * length, offset + (i + 1) * length), offset);
    return { name: count === 1 ? name : `${name}_volume-${String(i + 1).padStart(3, '0')}`, bytes };
  });
}
