/** The series that a mask was made on, as DICOM objects about the mask refer to it, and what all such objects say of themselves. */
import { version } from '../../core/index.js';
import type { Placed } from '../volume.js';
import { framesOfVolume, headersOf } from './convert.js';
import type { DicomSeries } from './dicom-series.js';
import { readElements } from './elements.js';
import type { Dataset } from './encode.js';
import { dicomError } from './errors.js';
import { framesOnGrid, type PlacedFrame } from './frames-on-grid.js';
import type { Header } from './header.js';
import { assertIdentifiers, type Identity, identityOf, isIdentifier } from './identity.js';
import { uid } from './segment-frames.js';
import type { Algorithm } from './segments.js';

export interface MaskSource {
  series: DicomSeries;
  headers: readonly Header[];
  /** The slices of the volume, in the order in which they lie. */
  frames: readonly PlacedFrame[];
  /** The source's, or a new one where it names none. */
  frameOfReference: string;
  identity: Identity;
  /** Which of several volumes of the series, such as `_e2`; mostly empty. */
  part: string;
  /** Of a voxel, in ml. */
  voxelMl: number;
}

/**
 * All that does not depend on the labels, so that a series that cannot have a mask as DICOM is refused before they are
 * computed.
 *
 * @param volume one of `convertDicomSeries(series)`
 * @throws GraftError DICOM_SEG_GEOMETRY, DICOM_SEG_IDENTITY
 */
export async function maskSource(volume: Placed & { path: string }, series: DicomSeries): Promise<MaskSource> {
  const name = `${series.patient}_${series.series}`;
  const headers = headersOf(series);
  assertIdentifiers(headers, name);
  if (new Set(headers.map(({ instance }) => instance)).size < headers.length)
    throw dicomError('DICOM_SEG_GEOMETRY', {
      series: name,
      reason: 'several of its images share one identifier (SOP Instance UID), by which masks refer to them',
    });
  const { frameOfReference = '' } = headers[0];
  return {
    series,
    headers,
    frames: framesOnGrid(headers, volume, name, await chosenFrames(series, headers, volume)),
    frameOfReference: isIdentifier(frameOfReference) ? frameOfReference : uid(),
    identity: identityOf(readElements(headers[0].file)!.elements, name),
    part: volume.path.slice(name.length),
    voxelMl: volume.spacing.reduce((a, b) => a * b) / 1000,
  };
}

/** A series may hold several volumes; undefined where all its images make up this one. */
async function chosenFrames(series: DicomSeries, headers: readonly Header[], volume: Placed & { path: string }) {
  const pixels = headers.reduce((sum, { rows, columns, frameCount }) => sum + rows * columns * frameCount, 0);
  return pixels === volume.shape.reduce((a, b) => a * b) ? undefined : framesOfVolume(series, volume.path);
}

/** Seconds since 2020: a number that no other run has, and no series of a scanner. */
const runNumber = Math.floor((Date.now() - Date.UTC(2020)) / 1000);

const kinds = {
  SEG: { sopClass: '1.2.840.10008.5.1.4.1.1.66.4', title: '' },
  RTSTRUCT: { sopClass: '1.2.840.10008.5.1.4.1.1.481.3', title: ', contours' },
  SR: { sopClass: '1.2.840.10008.5.1.4.1.1.88.33', title: ', measurements' },
} as const;

export const graftItself: Algorithm = { name: 'graft', version };

/** Whose it is, what it is and what made it: a new object in a series of its own. */
export function madeObject(
  { series, headers, identity, part }: MaskSource,
  modality: keyof typeof kinds,
  { algorithm = graftItself, warnings = [] }: { algorithm?: Algorithm; warnings?: readonly string[] },
): Dataset {
  const { own } = identity;
  const { sopClass, title } = kinds[modality];
  const now = new Date().toISOString().replace(/[-:]/g, '');
  const [date, time] = [now.slice(0, 8), now.slice(9, 15)];
  const [{ seriesNumber }] = headers;
  const source = `${series.modality} series${seriesNumber === undefined ? '' : ` ${seriesNumber}`}`;
  const made = `${now.slice(0, 4)}-${now.slice(4, 6)}-${now.slice(6, 8)} ${time.slice(0, 2)}:${time.slice(2, 4)} UTC`;
  const summary = warnings.length > 0 ? `; warnings: ${warnings.length}, see Image Comments` : '';
  return {
    ...identity.elements,
    SOPClassUID: sopClass,
    SOPInstanceUID: uid(),
    SeriesInstanceUID: uid(),
    SeriesNumber: runNumber + Object.keys(kinds).indexOf(modality),
    SeriesDescription: own(`${algorithm.name}${title}, ${made}`),
    InstanceNumber: 1,
    Modality: modality,
    Manufacturer: 'graft',
    ManufacturerModelName: 'graft',
    DeviceSerialNumber: '1',
    SoftwareVersions: version,
    SeriesDate: date,
    SeriesTime: time,
    ...(modality === 'RTSTRUCT'
      ? { StructureSetDate: date, StructureSetTime: time }
      : { ContentDate: date, ContentTime: time }),
    ...(modality === 'SEG' && { ContentDescription: own(`of the ${source}${part.replace('_', ', ')}${summary}`) }),
  };
}

/** An object, as others refer to it. */
export interface Reference {
  sopClass: string;
  instance: string;
  series: string;
}

export const referenceTo = ({ SOPClassUID, SOPInstanceUID, SeriesInstanceUID }: Dataset): Reference => ({
  sopClass: SOPClassUID as string,
  instance: SOPInstanceUID as string,
  series: SeriesInstanceUID as string,
});

/** The images of the volume, each once, though several frames may be of one. */
export const imagesOf = ({ frames }: MaskSource): Header[] => [...new Set(frames.map(({ header }) => header))];
