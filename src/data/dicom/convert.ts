/** A series as volumes. */
import { exitCodes, GraftError } from '../../core/index.js';
import { volumeOfBytes } from '../nifti/index.js';
import type { Volume } from '../volume.js';
import { runDcm2niix } from './dcm2niix.js';
import type { DicomSeries } from './dicom-series.js';
import { dicomError, reasonOf } from './errors.js';
import { type Header, readHeader } from './header.js';
import { preparedFile } from './prepare.js';
import { setSliceStep } from './slice-step.js';
import { stacksOf } from './stack.js';
import { firstFrames, framesOfVoxels, voxelsOf } from './trace.js';

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
 * Reads the volumes of a series: several where it holds time points or echoes. A volume's `path` is its name, no file.
 *
 * @param series one of `scanDicom`
 * @returns float32 [z, y, x] in RAS; spacing [z, y, x] in mm
 * @throws GraftError as `niftiOfSeries`; DICOM_SPACING_ABSENT, as a volume is in millimetres; NIFTI_… where a volume is
 * not one that graft takes
 */
export async function convertDicomSeries(series: DicomSeries): Promise<Volume[]> {
  const unmeasured = series.problems.find(({ code }) => code === 'DICOM_SPACING_ABSENT');
  if (unmeasured) throw new GraftError(unmeasured.code, unmeasured.message, unmeasured.hint, exitCodes.data);
  return (await niftiOfSeries(series)).map(({ name, bytes }) => volumeOfBytes(name, bytes));
}

/**
 * The volumes of a series as NIfTI: one, or one for each time point, echo or kind of image it holds. Voxels, type, grid
 * and affine are those of dcm2niix, but for the slice distance where positions are rounded (`setSliceStep`); the free texts
 * of its headers are left out.
 *
 * @throws GraftError the series' first problem that stops conversion; DICOM_RESCALE_VARIES; DICOM_CONVERSION with what
 * dcm2niix said
 */
export async function niftiOfSeries(series: DicomSeries): Promise<NiftiBytes[]> {
  const fault = series.problems.find(({ stops }) => stops);
  if (fault) throw new GraftError(fault.code, fault.message, fault.hint, exitCodes.data);
  try {
    const headers = headersOf(series);
    const volumes = scaledByFrame(headers) ? await scaleFrames(series, headers) : await convert(series);
    // The images of a mosaic lie side by side: their places are not those of slices.
    const stacks = headers.some(({ mosaicSlices }) => mosaicSlices) ? [] : stacksOf(headers);
    for (const { name, bytes } of volumes) if (!interpolated.test(name)) setSliceStep(bytes, stacks);
    if (!series.spacing) for (const { bytes } of volumes) bytes[unitsByte] = 0;
    return volumes;
  } catch (error) {
    throw asConversion(series, error);
  }
}

/** Whatever goes wrong with one series is told as its own fault, so that others can go on. */
function asConversion(series: DicomSeries, error: unknown): GraftError {
  if (error instanceof GraftError) return error;
  return dicomError('DICOM_CONVERSION', { series: seriesTitle(series), reason: reasonOf(error) }, error);
}

/** What the measures of a NIfTI-1 file are in; 0 is unknown. */
const unitsByte = 123;

/**
 * Which frames make up a volume, counted through the series from 0 in the order of its files.
 *
 * @param name of the volume, as in `niftiOfSeries`
 * @returns undefined where the volume is interpolated
 */
export async function framesOfVolume(series: DicomSeries, name: string): Promise<ReadonlySet<number> | undefined> {
  const traced = tracedSeries.get(series) ?? trace(series, headersOf(series));
  tracedSeries.set(series, traced);
  const frames = (await traced)?.get(name);
  return frames && new Set(frames);
}
const tracedSeries = new WeakMap<DicomSeries, ReturnType<typeof trace>>();

/** The headers of a series' files, read again. @throws DICOM_CONVERSION where one cannot be read any more */
export function headersOf(series: DicomSeries): Header[] {
  try {
    return series.files.map((file) => readHeader(file)).filter((header) => header !== undefined && 'frames' in header);
  } catch (error) {
    throw asConversion(series, error);
  }
}

const seriesTitle = ({ patient, series }: DicomSeries) => `${patient}_${series}`;

/**
 * Whether frames of one file have scales of their own, which dcm2niix knows of few makers; those of Philips it reads from
 * where Philips puts them. Between files it knows them of all.
 */
const scaledByFrame = (headers: readonly Header[]) =>
  headers.some(
    ({ frames, manufacturer }) =>
      frames.some(({ slope, intercept }) => slope !== frames[0].slope || intercept !== frames[0].intercept) &&
      !/philips/i.test(manufacturer ?? ''),
  );

/** Every frame by its own slope and intercept (PS3.3 C.7.6.16.2.9), as float32. */
async function scaleFrames(series: DicomSeries, headers: readonly Header[]): Promise<NiftiBytes[]> {
  const stored = await convert(series, (file) => preparedFile(file, { unscaled: true }));
  const traced = await trace(series, headers);
  const scales = headers.flatMap(({ frames }) => frames);
  return stored.map(({ name, bytes }) => {
    const frames = traced?.get(name);
    const voxels = voxelsOf(bytes);
    if (!frames || frames.length !== voxels.length)
      throw dicomError('DICOM_RESCALE_VARIES', { series: seriesTitle(series) });
    const values = Float32Array.from(voxels, (voxel, i) => {
      const { slope, intercept } = scales[frames[i]];
      return slope * voxel + intercept;
    });
    const head = bytes.slice(0, bytes.length - voxels.byteLength);
    const view = new DataView(head.buffer);
    view.setInt16(70, 16, true);
    view.setInt16(72, 32, true);
    return { name, bytes: Buffer.concat([head, new Uint8Array(values.buffer)]) };
  });
}

async function trace(series: DicomSeries, headers: readonly Header[]) {
  const first = new Map(firstFrames(headers).map((frame, i) => [headers[i].file, frame + 1]));
  const numbered = (file: string) => preparedFile(file, { unscaled: true, firstFrame: first.get(file) ?? 0 });
  return framesOfVoxels(await convert(series, numbered, true), headers);
}

/** @param prepare a file's bytes for dcm2niix */
async function convert(
  series: DicomSeries,
  prepare: (file: string) => Uint8Array = (file) => preparedFile(file),
  displayed = false,
): Promise<NiftiBytes[]> {
  const name = seriesTitle(series);
  const bytesOf = function* () {
    for (const file of series.files) yield prepare(file);
  };
  const { files, complaints } = await runDcm2niix(bytesOf(), displayed);
  if (files.size === 0) {
    const reason = complaints || 'dcm2niix made no volume of it';
    throw dicomError('DICOM_CONVERSION', { series: name, reason });
  }
  return [...files.keys()]
    .filter((part) => !drawn.test(part))
    .filter(
      (part, _, parts) => !parts.some((other) => other.startsWith(part) && corrected.test(other.slice(part.length))),
    )
    .sort()
    .flatMap((part) => split(`${name}${part}`, files.get(part)!));
}

/** What somebody or a machine drew over the images (overlays, PS3.3 C.9.2) is no image. */
const drawn = /_ROI\d+$/;

/** Where slices are uneven or tilted, dcm2niix writes the volume as it is and another, interpolated, that is right. */
const corrected = /^(_Tilt)?(_Eq)?_\d+$/;

/** The slices of such a volume are not those of the series. */
const interpolated = /_Eq_\d+(_volume-\d+)?$/;

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
